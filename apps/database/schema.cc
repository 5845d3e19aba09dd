#include "apps/database/schema.h"

#include <fmt/format.h>

#include <charconv>

namespace gateway::apps {
namespace {

constexpr std::chrono::seconds kMigrationTime(60);  // others' migrations are waited for
constexpr std::chrono::seconds kUsualTime(2);

Result<int> number_in(const Result<Rows>& rows) {
  if (!rows) return tl::make_unexpected(rows.error());
  int number = 0;
  if (!rows->empty() && !rows->front().empty()) {
    const std::string& text = rows->front().front();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

Result<int> version_of(Database& database, const Schema& schema) {
  if (database.kind() == Database::Kind::sqlite)
    return number_in(database.read("PRAGMA user_version"));
  auto there = number_in(database.read("SELECT CAST(to_regclass($1) IS NOT NULL AS INTEGER)",
                                       {std::string(schema.version_table)}));
  if (!there || *there == 0) return there;
  const auto sql = fmt::format("SELECT coalesce(max(version), 0) FROM {}", schema.version_table);
  return number_in(database.read(sql.c_str()));
}

Result<void> take_turn(Database& database, const Schema& schema) {
  if (database.kind() == Database::Kind::sqlite) return {};  // the transaction is the lock
  const auto lock = fmt::format("SELECT pg_advisory_xact_lock({})", schema.lock);
  auto done = database.run(lock.c_str());
  const auto table =
      fmt::format("CREATE TABLE IF NOT EXISTS {} (version INTEGER NOT NULL)", schema.version_table);
  if (done) done = database.run(table.c_str());
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

Result<void> take_step(Database& database, const Schema& schema, const Migration& step) {
  const bool sqlite = database.kind() == Database::Kind::sqlite;
  const std::string sql(sqlite ? step.sqlite : step.postgres);
  const std::string mark =
      sqlite ? fmt::format("PRAGMA user_version = {}", step.version)
             : fmt::format("INSERT INTO {} VALUES ({})", schema.version_table, step.version);
  auto done = database.run(sql.c_str());
  if (done) done = database.run(mark.c_str());
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

}  // namespace

Result<int> migrate(Database& database, const Schema& schema) {
  int taken = 0;
  database.wait_for_answers(kMigrationTime);
  auto done = database.transaction([&]() -> Result<void> {
    if (auto turn = take_turn(database, schema); !turn) return turn;
    const auto version = version_of(database, schema);
    if (!version) return tl::make_unexpected(version.error());
    for (const Migration& step : schema.steps) {
      if (step.version <= *version) continue;
      if (auto stepped = take_step(database, schema, step); !stepped) return stepped;
      ++taken;
    }
    return {};
  });
  database.wait_for_answers(kUsualTime);
  if (!done) return tl::make_unexpected(done.error());
  return taken;
}

Result<void> check_version(Database& database, const Schema& schema) {
  const auto version = version_of(database, schema);
  if (!version) return tl::make_unexpected(version.error());
  if (*version >= schema.version()) return {};
  return failure(
      ErrorCode::not_found, Side::internal,
      fmt::format("the database's schema is at version {} and this program needs {}: run "
                  "{} migrate",
                  *version, schema.version(), schema.program));
}

}  // namespace gateway::apps
