#include <sqlite3.h>

#include "apps/app_b/schema.h"
#include "apps/app_b/token_digest.h"
#include "apps/app_b/user_store.h"

namespace gateway::apps {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class SqliteStore final : public UserStore {
 public:
  explicit SqliteStore(Database database) : database_(std::move(database)) {}

  Result<void> migrate() override {
    // IMMEDIATE takes the write lock before the version is read, so two replicas cannot both see 0.
    if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto done = migrate_locked();
    auto ended = execute(done ? "COMMIT" : "ROLLBACK");
    return done ? ended : done;
  }

  Result<void> put_user(std::string_view name, std::string_view token) override {
    auto statement = prepare(
        "INSERT INTO users (username, token_sha256) VALUES (?1, ?2)"
        " ON CONFLICT (username) DO UPDATE SET token_sha256 = ?2");
    if (!statement) return tl::make_unexpected(statement.error());
    bind(*statement, 1, name);
    bind(*statement, 2, token_digest(token));
    if (sqlite3_step(statement->get()) != SQLITE_DONE) return broken();
    return {};
  }

  Result<std::optional<std::string>> find_user(std::string_view token) override {
    auto statement = prepare("SELECT username FROM users WHERE token_sha256 = ?1");
    if (!statement) return tl::make_unexpected(statement.error());
    bind(*statement, 1, token_digest(token));
    const int step = sqlite3_step(statement->get());
    if (step == SQLITE_DONE) return std::nullopt;
    if (step != SQLITE_ROW) return broken();
    return std::string(reinterpret_cast<const char*>(sqlite3_column_text(statement->get(), 0)));
  }

  Result<void> ping() override { return execute("SELECT 1"); }

 private:
  tl::unexpected<Error> broken() {
    return failure(ErrorCode::io_error, Side::internal,
                   std::string("SQLite: ") + sqlite3_errmsg(database_.get()));
  }

  Result<void> execute(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return broken();
    return {};
  }

  Result<Statement> prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                           nullptr) != SQLITE_OK)
      return broken();
    return Statement(statement);
  }

  static void bind(const Statement& statement, int index, std::string_view text) {
    sqlite3_bind_text(statement.get(), index, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  }

  Result<void> migrate_locked() {
    auto statement = prepare("PRAGMA user_version");
    if (!statement) return tl::make_unexpected(statement.error());
    if (sqlite3_step(statement->get()) != SQLITE_ROW) return broken();
    const int version = sqlite3_column_int(statement->get(), 0);
    statement->reset();
    for (const Migration& step : migrations()) {
      if (step.version <= version) continue;
      if (auto done = execute(std::string(step.sqlite).c_str()); !done) return done;
      const std::string mark = "PRAGMA user_version = " + std::to_string(step.version);
      if (auto done = execute(mark.c_str()); !done) return done;
    }
    return {};
  }

  Database database_;
};

}  // namespace

Result<std::unique_ptr<UserStore>> open_sqlite_store(const std::string& path) {
  sqlite3* raw = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Database database(raw);
  if (status != SQLITE_OK)
    return failure(ErrorCode::io_error, Side::internal,
                   "cannot open the database " + path + ": " + sqlite3_errstr(status));
  sqlite3_busy_timeout(database.get(), kBusyTimeoutMs);
  sqlite3_exec(database.get(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  return std::make_unique<SqliteStore>(std::move(database));
}

}  // namespace gateway::apps
