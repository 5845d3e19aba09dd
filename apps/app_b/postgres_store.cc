#include <libpq-fe.h>

#include <algorithm>
#include <array>

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
using Rows = std::unique_ptr<PGresult, ClearResult>;

class PostgresStore final : public UserStore {
 public:
  explicit PostgresStore(std::string url) : url_(std::move(url)) {}

  Result<void> connect() {
    connection_.reset(PQconnectdb(url_.c_str()));
    if (PQstatus(connection_.get()) != CONNECTION_OK) return broken();
    return {};
  }

  Result<void> migrate() override {
    if (auto begun = run("BEGIN"); !begun) return tl::make_unexpected(begun.error());
    auto done = migrate_locked();
    auto ended = run(done ? "COMMIT" : "ROLLBACK");
    if (!done) return done;
    if (!ended) return tl::make_unexpected(ended.error());
    return {};
  }

  Result<void> put_user(std::string_view name, std::string_view token) override {
    auto done =
        run("INSERT INTO users (username, token_sha256) VALUES ($1, $2)"
            " ON CONFLICT (username) DO UPDATE SET token_sha256 = $2",
            {std::string(name), token_digest(token)});
    if (!done) return tl::make_unexpected(done.error());
    return {};
  }

  Result<std::optional<std::string>> find_user(std::string_view token) override {
    auto rows = run("SELECT username FROM users WHERE token_sha256 = $1", {token_digest(token)});
    if (!rows) return tl::make_unexpected(rows.error());
    if (PQntuples(rows->get()) == 0) return std::nullopt;
    return std::string(PQgetvalue(rows->get(), 0, 0));
  }

  Result<void> ping() override {
    auto done = run("SELECT 1");
    if (!done) return tl::make_unexpected(done.error());
    return {};
  }

 private:
  tl::unexpected<Error> broken() {
    std::string text = PQerrorMessage(connection_.get());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return failure(ErrorCode::io_error, Side::internal, "PostgreSQL: " + text);
  }

  Result<Rows> run(const char* sql, const std::vector<std::string>& values = {}) {
    // A server that was restarted costs one failed question and no more: connect anew first.
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      if (auto connected = connect(); !connected) return tl::make_unexpected(connected.error());
    }
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    Rows rows(PQexecParams(connection_.get(), sql, static_cast<int>(pointers.size()), nullptr,
                           pointers.data(), nullptr, nullptr, 0));
    const ExecStatusType status = PQresultStatus(rows.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return broken();
    return rows;
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
  std::unique_ptr<PGconn, FinishConnection> connection_;
};

}  // namespace

Result<std::unique_ptr<UserStore>> open_postgres_store(const std::string& url) {
  auto store = std::make_unique<PostgresStore>(url);
  if (auto connected = store->connect(); !connected) return tl::make_unexpected(connected.error());
  return store;
}

}  // namespace gateway::apps
