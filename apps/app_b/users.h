#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/database/schema.h"

/// Who may come in, by token. The database holds no token, only its digest. Each call may block.
namespace gateway::apps {

/// Known to every reader of the exercises: it lets nobody in where it was not asked for.
inline constexpr std::string_view kDevelopmentUser = "density";
inline constexpr std::string_view kDevelopmentToken = "mytoken";

struct User {
  std::string name;
  bool disabled = false;
};

Schema users_schema();

/// The user's name; nothing when nobody has that token, or who has it is disabled. An error is no
/// verdict.
Result<std::optional<std::string>> find_user(Database& database, std::string_view token);
/// Adds the user, or gives the one of that name this token.
Result<void> put_user(Database& database, std::string_view name, std::string_view token);

/// False: there is a user of that name already.
Result<bool> add_user(Database& database, std::string_view name, std::string_view token);
/// The old token ends, and so does being disabled. False: there is no such user.
Result<bool> rotate_token(Database& database, std::string_view name, std::string_view token);
/// The token ends. False: there is no such user.
Result<bool> disable_user(Database& database, std::string_view name);
/// By name.
Result<std::vector<User>> list_users(Database& database);

/// Fails when the development token would let somebody in.
Result<void> refuse_development_token(Database& database);

}  // namespace gateway::apps
