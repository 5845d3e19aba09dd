#include "gateway/filter/user_list.h"

#include <fmt/format.h>

#include "gateway/filter/password_hash.h"

namespace gateway::filter {
namespace {

constexpr std::size_t kLongestName = 255;

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
    line.remove_suffix(1);
  return line;
}

}  // namespace

Result<UserList> UserList::parse(std::string_view text) {
  UserList users;
  users.digest_ = hash_token(text);
  const auto refuse = [](std::string why) {
    return failure(ErrorCode::invalid_argument, Side::internal, std::move(why));
  };
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > kLongestName)
      return refuse(fmt::format("line {} of the users is not NAME:HASH", number));
    const std::string_view name = line.substr(0, colon);
    std::string_view hash = line.substr(colon + 1);
    hash = hash.substr(0, hash.find(':'));  // a comment may follow
    if (const std::string why = unusable_hash(hash); !why.empty())
      return refuse(fmt::format("line {} of the users: {} {}", number, name, why));
    if (!users.hashes_.emplace(name, hash).second)
      return refuse(fmt::format("line {} of the users: {} stands there twice", number, name));
    if (users.decoy_.empty() || hash_cost(hash) > hash_cost(users.decoy_)) users.decoy_ = hash;
  }
  if (users.hashes_.empty()) return refuse("there is nobody among the users");
  return users;
}

bool UserList::matches(const std::string& name, const std::string& password) const {
  const auto found = hashes_.find(name);
  const bool known = found != hashes_.end();
  return password_matches(password, known ? found->second : decoy_) && known;
}

}  // namespace gateway::filter
