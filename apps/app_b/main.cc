// App B: the token service. Reached by the gateway alone, over its private upstream.

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "apps/app_b/user_store.h"
#include "apps/common/app.h"
#include "gateway/http/fields.h"
#include "gateway/runtime/blocking_pool.h"

namespace {

using gateway::BlockingPool;
using gateway::Result;
using gateway::apps::Answer;
using gateway::apps::open_user_store;
using gateway::apps::Reply;
using gateway::apps::Request;
using gateway::apps::UserStore;
using gateway::http::Method;

constexpr std::size_t kStores = 4;
constexpr std::size_t kMostWaiting = 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// application/x-www-form-urlencoded (WHATWG URL §5.1)
std::string decode_form(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::string form_field(std::string_view form, std::string_view name) {
  while (!form.empty()) {
    const auto end = form.find('&');
    const std::string_view pair = form.substr(0, end);
    form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name)
      return decode_form(pair.substr(equals + 1));
  }
  return {};
}

/// Database connections, taken by whichever thread of the blocking pool has work.
class Stores {
 public:
  Result<void> open(const std::string& database, bool seed) {
    for (std::size_t i = 0; i < kStores; ++i) {
      auto store = open_user_store(database);
      if (!store) return tl::make_unexpected(store.error());
      free_.push_back(std::move(*store));
    }
    UserStore& first = *free_.front();
    if (auto migrated = first.migrate(); !migrated) return migrated;
    return seed ? first.put_user("density", "mytoken") : Result<void>();
  }

  template <typename Use>
  auto with(Use use) {
    std::unique_ptr<UserStore> store;
    {
      const std::lock_guard lock(mutex_);
      store = std::move(free_.back());
      free_.pop_back();
    }
    auto result = use(*store);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(store));
    return result;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<UserStore>> free_;  // as many as the pool has threads
};

/// Whether the database answered when it was asked last, by a look-up or by readiness itself: no
/// look-up may come for hours, and none while this replica is not ready. Any thread.
class DatabaseHealth {
 public:
  bool answers() const { return answers_; }
  void saw(bool answered) { answers_ = answered; }

  /// Asks in the background: each second while all is well, at once while not, one at a time.
  void ask_soon(BlockingPool& pool, Stores& stores) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds(1);
    if ((answers_ && asked_at_ == now) || asking_.exchange(true)) return;
    asked_at_ = now;
    const bool queued = pool.submit([this, &stores] {
      saw(stores.with([](UserStore& store) { return store.ping(); }).has_value());
      asking_ = false;
    });
    if (!queued) asking_ = false;
  }

 private:
  std::atomic<bool> answers_{true};
  std::atomic<bool> asking_{false};
  std::atomic<std::chrono::seconds::rep> asked_at_{0};
};

Answer verdict(const Result<std::optional<std::string>>& user) {
  const std::string plain = "text/plain; charset=utf-8";
  if (!user) return {503, "The database does not answer.\n", plain, {}};
  if (!*user) return {401, "fail", plain, {}};
  return {200, **user, plain, {}};
}

}  // namespace

int main(int argc, char** argv) {
  gateway::apps::App app("app_b", "The token service: POST /auth with the form field token.");
  std::string database = "app_b.sqlite";
  bool seed = false;
  app.flags()
      .add_option("--database", database, "A file for SQLite, or a postgres:// URL")
      ->envname("DATABASE_URL")
      ->capture_default_str();
  app.flags().add_flag("--seed-development", seed, "Add user density with token mytoken");

  Stores stores;
  DatabaseHealth health;
  std::unique_ptr<BlockingPool> pool;
  const auto prepare = [&]() -> Result<void> {
    if (auto opened = stores.open(database, seed); !opened) return opened;
    pool = std::make_unique<BlockingPool>(kStores, kMostWaiting, "database");
    return {};
  };
  const auto answer = [&](const Request& request, Reply reply) {
    const std::string plain = "text/plain; charset=utf-8";
    if (request.path != "/auth") return reply({404, "There is only /auth.\n", plain, {}});
    if (request.method != Method::post)
      return reply({405, "Only POST is served here.\n", plain, "POST"});
    std::string token = form_field(request.body, "token");
    if (token.empty()) return reply({401, "fail", plain, {}});
    const auto look_up = [&stores, token = std::move(token)] {
      return stores.with([&](UserStore& store) { return store.find_user(token); });
    };
    const bool queued = pool->run(request.loop, look_up,
                                  [reply, &health](const Result<std::optional<std::string>>& user) {
                                    health.saw(user.has_value());
                                    reply(verdict(user));
                                  });
    if (!queued) reply({503, "Too many questions at once.\n", plain, {}});
  };
  const auto readiness = [&] {
    health.ask_soon(*pool, stores);
    return std::string(health.answers() ? "" : "the database does not answer");
  };
  return app.run(argc, argv, prepare, answer, readiness);
}
