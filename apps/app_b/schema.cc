#include "apps/app_b/schema.h"

namespace gateway::apps {

std::span<const Migration> migrations() {
  static constexpr Migration kMigrations[] = {
      {1,
       "CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE,"
       " password_hash TEXT NOT NULL DEFAULT '', token_sha256 TEXT NOT NULL)",
       "CREATE TABLE users (id SERIAL PRIMARY KEY, username TEXT NOT NULL UNIQUE,"
       " password_hash TEXT NOT NULL DEFAULT '', token_sha256 TEXT NOT NULL)"},
      {2, "CREATE UNIQUE INDEX users_token ON users (token_sha256)",
       "CREATE UNIQUE INDEX users_token ON users (token_sha256)"},
  };
  return kMigrations;
}

}  // namespace gateway::apps
