#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/filter/token_hash.h"

namespace gateway::filter {

/// Users and the hashes of their passwords, as htpasswd files have them: `name:hash` on each line,
/// empty lines and those that begin with `#` left out. Immutable: shared by threads.
class UserList {
 public:
  /// The error names line and user, never the hash. Nobody in it is an error too.
  static Result<UserList> parse(std::string_view text);

  /// Whether this is the user's password. One that is not known takes as long as one that is. Takes
  /// up to a second: never on a loop.
  bool matches(const std::string& name, const std::string& password) const;

  /// SHA-256 of the text that it was made of.
  const TokenHash& digest() const { return digest_; }

 private:
  std::map<std::string, std::string, std::less<>> hashes_;
  std::string decoy_;  ///< the dearest of the hashes
  TokenHash digest_{};
};

}  // namespace gateway::filter
