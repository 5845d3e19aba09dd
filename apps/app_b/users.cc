#include "apps/app_b/users.h"

#include <fmt/format.h>

#include "apps/app_b/token_digest.h"

namespace gateway::apps {
namespace {

constexpr Migration kSteps[] = {
    {1,
     "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE,"
     " password_hash TEXT NOT NULL DEFAULT '', token_sha256 TEXT NOT NULL)",
     "CREATE TABLE users (id SERIAL PRIMARY KEY, username TEXT NOT NULL UNIQUE,"
     " password_hash TEXT NOT NULL DEFAULT '', token_sha256 TEXT NOT NULL)"},
    {2, "CREATE UNIQUE INDEX users_token ON users (token_sha256)",
     "CREATE UNIQUE INDEX users_token ON users (token_sha256)"},
    {3, "ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0",
     "ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0"},
};

/// Whether a statement that returns what it touched has touched anything.
Result<bool> touched(const Result<Rows>& rows) {
  if (!rows) return tl::make_unexpected(rows.error());
  return !rows->empty();
}

}  // namespace

Schema users_schema() { return {"app_b", "schema_version", 7364928104, kSteps}; }

Result<std::optional<std::string>> find_user(Database& database, std::string_view token) {
  auto rows = database.read("SELECT username FROM users WHERE token_sha256 = $1 AND disabled = 0",
                            {token_digest(token)});
  if (!rows) return tl::make_unexpected(rows.error());
  if (rows->empty()) return std::nullopt;
  return std::move(rows->front().front());
}

Result<void> put_user(Database& database, std::string_view name, std::string_view token) {
  const auto put = [&] {
    return database.run(
        "INSERT INTO users (username, token_sha256) VALUES ($1, $2)"
        " ON CONFLICT (username) DO UPDATE SET token_sha256 = $2, disabled = 0",
        {std::string(name), token_digest(token)});
  };
  auto done = put();
  // Of two replicas that put the same user at once one may fail at the index of tokens, which the
  // statement does not arbitrate: the other's row is there when it tries again.
  if (!done) done = put();
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

Result<bool> add_user(Database& database, std::string_view name, std::string_view token) {
  return touched(
      database.run("INSERT INTO users (username, token_sha256) VALUES ($1, $2)"
                   " ON CONFLICT (username) DO NOTHING RETURNING id",
                   {std::string(name), token_digest(token)}));
}

Result<bool> rotate_token(Database& database, std::string_view name, std::string_view token) {
  return touched(database.run(
      "UPDATE users SET token_sha256 = $2, disabled = 0 WHERE username = $1 RETURNING id",
      {std::string(name), token_digest(token)}));
}

Result<bool> disable_user(Database& database, std::string_view name) {
  return touched(database.run("UPDATE users SET disabled = 1 WHERE username = $1 RETURNING id",
                              {std::string(name)}));
}

Result<std::vector<User>> list_users(Database& database) {
  auto rows = database.read("SELECT username, disabled FROM users ORDER BY username");
  if (!rows) return tl::make_unexpected(rows.error());
  std::vector<User> users;
  for (Row& row : *rows) users.push_back({std::move(row[0]), row[1] != "0"});
  return users;
}

Result<void> refuse_development_token(Database& database) {
  const auto user = find_user(database, kDevelopmentToken);
  if (!user) return tl::make_unexpected(user.error());
  if (!*user) return {};
  return failure(ErrorCode::invalid_argument, Side::internal,
                 fmt::format("the development token lets {0} in, and everybody knows it: run app_b "
                             "user rotate {0}, or say --seed-development if this is development",
                             **user));
}

}  // namespace gateway::apps
