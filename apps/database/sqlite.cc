#include <sqlite3.h>

#include "apps/database/database.h"

namespace gateway::apps {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

struct CloseFile {
  void operator()(sqlite3* file) const { sqlite3_close(file); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using File = std::unique_ptr<sqlite3, CloseFile>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// `$1` is a name to SQLite, which one may use several times or not at all.
void bind_values(sqlite3_stmt* statement, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string name = "$" + std::to_string(i + 1);
    const int index = sqlite3_bind_parameter_index(statement, name.c_str());
    if (index > 0)
      sqlite3_bind_text(statement, index, values[i].data(), static_cast<int>(values[i].size()),
                        SQLITE_TRANSIENT);
  }
}

Row row_of(sqlite3_stmt* statement) {
  Row row;
  for (int column = 0; column < sqlite3_column_count(statement); ++column) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    row.emplace_back(text != nullptr ? text : "");
  }
  return row;
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(File file) : file_(std::move(file)) {}

  Result<Rows> run(const char* sql, const std::vector<std::string>& values) override {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(file_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) return broken();
    const Statement statement(raw);
    bind_values(raw, values);
    Rows rows;
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(raw)) == SQLITE_ROW) rows.push_back(row_of(raw));
    if (step != SQLITE_DONE) return broken();
    return rows;
  }

  Result<Rows> read(const char* sql, const std::vector<std::string>& values) override {
    return run(sql, values);
  }

  // IMMEDIATE takes the write lock before anything is read, so that no two replicas decide upon
  // what both have seen.
  Result<void> transaction(const std::function<Result<void>()>& work) override {
    if (auto begun = run("BEGIN IMMEDIATE", {}); !begun) return tl::make_unexpected(begun.error());
    auto done = work();
    auto ended = run(done ? "COMMIT" : "ROLLBACK", {});
    if (!done) return done;
    if (!ended) return tl::make_unexpected(ended.error());
    return {};
  }

  bool lost() const override { return false; }
  std::string product() const override { return std::string("SQLite ") + sqlite3_libversion(); }
  Kind kind() const override { return Kind::sqlite; }
  void wait_for_answers(std::chrono::seconds) override {}  // the busy time-out is long enough

 private:
  tl::unexpected<Error> broken() {
    return failure(ErrorCode::io_error, Side::internal,
                   std::string("SQLite: ") + sqlite3_errmsg(file_.get()));
  }

  File file_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path) {
  sqlite3* raw = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  File file(raw);
  if (status != SQLITE_OK)
    return failure(ErrorCode::io_error, Side::internal,
                   "cannot open the database " + path + ": " + sqlite3_errstr(status));
  sqlite3_busy_timeout(file.get(), kBusyTimeoutMs);
  sqlite3_exec(file.get(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  return std::make_unique<SqliteDatabase>(std::move(file));
}

}  // namespace gateway::apps
