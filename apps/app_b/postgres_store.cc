#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "apps/app_b/schema.h"
#include "apps/app_b/token_digest.h"
#include "apps/app_b/user_store.h"

namespace gateway::apps {
namespace {

// Any number will do as long as it is ours: replicas that migrate take turns by this advisory lock.
constexpr const char* kMigrationLock = "SELECT pg_advisory_xact_lock(7364928104)";

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Rows = std::unique_ptr<PGresult, ClearResult>;
using SteadyTime = std::chrono::steady_clock::time_point;

// A host that vanished says nothing for a quarter of an hour: each question has its own end, or the
// few threads that ask would all hang. Migrations wait for other replicas.
constexpr std::chrono::seconds kAnswerTime(2);
constexpr std::chrono::seconds kMigrationTime(60);

bool has(const char* text, std::string_view bytes) {
  return text != nullptr && std::string_view(text).find(bytes) != std::string_view::npos;
}

// An unescaped '@' or '/' in a password moves the rest of it to the host, the port or the name of
// the database, and libpq repeats those when it complains: such a URL must not get that far.
Result<void> check_url(const std::string& url) {
  char* complaint = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(url.c_str(), &complaint));
  PQfreemem(complaint);
  bool good = options != nullptr;
  for (const PQconninfoOption* at = options.get(); good && at->keyword != nullptr; ++at) {
    const std::string_view name = at->keyword;
    if (name == "host" || name == "dbname") good = !has(at->val, "@");
    if (name == "port" && at->val != nullptr)
      good = std::string_view(at->val).find_first_not_of("0123456789,") == std::string_view::npos;
  }
  if (good) return {};
  return failure(ErrorCode::invalid_argument, Side::internal,
                 "the postgres:// URL cannot be read: in a user name or password write @ as %40, "
                 ": as %3A, / as %2F, # as %23, ? as %3F and % as %25");
}

class PostgresStore final : public UserStore {
 public:
  explicit PostgresStore(std::string url) : url_(std::move(url)) {}

  Result<void> connect() {
    // Later ones win: a URL that says something else about the time-out is heeded.
    const char* const names[] = {"connect_timeout", "dbname", nullptr};
    const char* const values[] = {"2", url_.c_str(), nullptr};
    connection_.reset(PQconnectdbParams(names, values, 1));
    if (PQstatus(connection_.get()) != CONNECTION_OK) return broken();
    return {};
  }

  Result<void> migrate() override {
    answer_time_ = kMigrationTime;
    auto done = migrate_in_turn();
    answer_time_ = kAnswerTime;
    return done;
  }

  Result<void> put_user(std::string_view name, std::string_view token) override {
    const std::vector<std::string> values{std::string(name), token_digest(token)};
    const auto put = [&] {
      return run(
          "INSERT INTO users (username, token_sha256) VALUES ($1, $2)"
          " ON CONFLICT (username) DO UPDATE SET token_sha256 = $2",
          values);
    };
    auto done = put();
    // Of two replicas that put the same user at once one may fail at the index of tokens, which the
    // statement does not arbitrate: the other's row is there when it tries again.
    if (!done) done = put();
    if (!done) return tl::make_unexpected(done.error());
    return {};
  }

  Result<std::optional<std::string>> find_user(std::string_view token) override {
    auto rows = read("SELECT username FROM users WHERE token_sha256 = $1", {token_digest(token)});
    if (!rows) return tl::make_unexpected(rows.error());
    if (PQntuples(rows->get()) == 0) return std::nullopt;
    return std::string(PQgetvalue(rows->get(), 0, 0));
  }

  Result<void> ping() override {
    auto done = read("SELECT 1");
    if (!done) return tl::make_unexpected(done.error());
    return {};
  }

 private:
  tl::unexpected<Error> broken() {
    std::string text = PQerrorMessage(connection_.get());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: " + text);
  }

  // Changes nothing, so it may be asked twice: the first question on a connection that the server
  // closed meanwhile (it was restarted) fails, and that must not be the user's.
  Result<Rows> read(const char* sql, const std::vector<std::string>& values = {}) {
    const bool was_open = PQstatus(connection_.get()) == CONNECTION_OK;
    auto rows = run(sql, values);
    const bool closed =
        was_open && connection_ != nullptr && PQstatus(connection_.get()) != CONNECTION_OK;
    return rows || !closed ? std::move(rows) : run(sql, values);
  }

  Result<Rows> run(const char* sql, const std::vector<std::string>& values = {}) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      if (auto connected = connect(); !connected) return tl::make_unexpected(connected.error());
    }
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    if (PQsendQueryParams(connection_.get(), sql, static_cast<int>(pointers.size()), nullptr,
                          pointers.data(), nullptr, nullptr, 0) == 0)
      return broken();
    Rows rows;
    for (bool more = true; more;) {
      if (!await_answer()) {
        connection_.reset();  // its answer may still come: nobody else must take it for theirs
        return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: no answer in time");
      }
      Rows next(PQgetResult(connection_.get()));
      more = next != nullptr;
      if (more) rows = std::move(next);
    }
    const ExecStatusType status = PQresultStatus(rows.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return broken();
    return rows;
  }

  // True when a whole result is there, or the connection has failed and says so.
  bool await_answer() {
    const SteadyTime end = std::chrono::steady_clock::now() + answer_time_;
    while (PQisBusy(connection_.get()) != 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
      const int ready = ::poll(&socket, 1, static_cast<int>(left.count()));
      if (ready < 0 && errno != EINTR) return false;
      if (ready > 0 && PQconsumeInput(connection_.get()) == 0) return true;
    }
    return true;
  }

  Result<void> migrate_in_turn() {
    if (auto begun = run("BEGIN"); !begun) return tl::make_unexpected(begun.error());
    auto done = migrate_locked();
    auto ended = run(done ? "COMMIT" : "ROLLBACK");
    if (!done) return done;
    if (!ended) return tl::make_unexpected(ended.error());
    return {};
  }

  Result<void> migrate_locked() {
    if (auto locked = run(kMigrationLock); !locked) return tl::make_unexpected(locked.error());
    auto made = run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    if (!made) return tl::make_unexpected(made.error());
    auto rows = run("SELECT coalesce(max(version), 0) FROM schema_version");
    if (!rows) return tl::make_unexpected(rows.error());
    const int version = std::atoi(PQgetvalue(rows->get(), 0, 0));
    for (const Migration& step : migrations()) {
      if (step.version <= version) continue;
      auto done = run(std::string(step.postgres).c_str());
      if (!done) return tl::make_unexpected(done.error());
      done = run("INSERT INTO schema_version VALUES ($1::integer)", {std::to_string(step.version)});
      if (!done) return tl::make_unexpected(done.error());
    }
    return {};
  }

  std::string url_;
  std::chrono::seconds answer_time_ = kAnswerTime;
  std::unique_ptr<PGconn, FinishConnection> connection_;
};

}  // namespace

Result<std::unique_ptr<UserStore>> open_postgres_store(const std::string& url) {
  if (auto checked = check_url(url); !checked) return tl::make_unexpected(checked.error());
  auto store = std::make_unique<PostgresStore>(url);
  if (auto connected = store->connect(); !connected) return tl::make_unexpected(connected.error());
  return store;
}

}  // namespace gateway::apps
