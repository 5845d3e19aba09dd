#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace gateway::apps {

/// Where users live. One object per thread of the blocking pool; every call may block on disk or
/// network.
class UserStore {
 public:
  virtual ~UserStore() = default;

  /// Brings the schema up to date. Any number of replicas may do so at once: one does, the others
  /// wait and find it done.
  virtual Result<void> migrate() = 0;
  /// Adds the user, or gives the one of that name this token.
  virtual Result<void> put_user(std::string_view name, std::string_view token) = 0;
  /// The user's name; nothing when nobody has that token. An error is no verdict.
  virtual Result<std::optional<std::string>> find_user(std::string_view token) = 0;
  /// Whether the database answers; a few seconds at most.
  virtual Result<void> ping() = 0;
};

/// `database`: a path for SQLite (with or without `sqlite://`), or a `postgres://` URL; anything
/// else is refused. No error repeats a password.
Result<std::unique_ptr<UserStore>> open_user_store(const std::string& database);

Result<std::unique_ptr<UserStore>> open_sqlite_store(const std::string& path);
Result<std::unique_ptr<UserStore>> open_postgres_store(const std::string& url);

}  // namespace gateway::apps
