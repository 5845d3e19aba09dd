// App B: the token service. Reached by the gateway alone, over its private upstream.

#include "apps/app_b/user_commands.h"
#include "apps/app_b/users.h"
#include "apps/common/app.h"
#include "apps/database/database_flags.h"
#include "apps/database/database_pool.h"

namespace {

using gateway::Result;
using gateway::apps::Answer;
using gateway::apps::Database;
using gateway::apps::DatabasePool;
using gateway::apps::Reply;
using gateway::apps::Request;
using gateway::http::Method;

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

Answer verdict(const Result<std::optional<std::string>>& user) {
  const std::string plain = "text/plain; charset=utf-8";
  if (!user) return {503, "The database does not answer.\n", plain, {}};
  if (!*user) return {401, "fail", plain, {}};
  return {200, **user, plain, {}};
}

}  // namespace

int main(int argc, char** argv) {
  gateway::apps::App app("app_b", "The token service: POST /auth with the form field token.");
  gateway::apps::DatabaseFlags database(app, gateway::apps::users_schema(), "app_b.sqlite");
  const gateway::apps::UserCommands users(app, database);
  bool seed = false;
  app.flags().add_flag("--seed-development", seed,
                       "This is development: add user density with token mytoken, which is refused "
                       "otherwise");

  std::unique_ptr<DatabasePool> pool;
  const auto prepare_users = [&seed](Database& at) {
    return seed ? put_user(at, gateway::apps::kDevelopmentUser, gateway::apps::kDevelopmentToken)
                : refuse_development_token(at);
  };
  const auto prepare = [&]() -> Result<void> {
    auto opened = DatabasePool::open({database.url(), database.schema(), prepare_users});
    if (!opened) return tl::make_unexpected(opened.error());
    pool = std::move(*opened);
    return {};
  };
  const auto answer = [&pool](const Request& request, const Reply& reply) {
    const std::string plain = "text/plain; charset=utf-8";
    if (request.path != "/auth") return reply({404, "There is only /auth.\n", plain, {}});
    if (request.method != Method::post)
      return reply({405, "Only POST is served here.\n", plain, "POST"});
    std::string token = form_field(request.body, "token");
    if (token.empty()) return reply({401, "fail", plain, {}});
    const bool queued = pool->run(
        request.loop, [token = std::move(token)](Database& at) { return find_user(at, token); },
        [reply](const Result<std::optional<std::string>>& user) { reply(verdict(user)); });
    if (!queued) reply({503, "Too many questions at once.\n", plain, {}});
  };
  return app.run(argc, argv, prepare, answer, [&pool] { return pool->problem(); });
}
