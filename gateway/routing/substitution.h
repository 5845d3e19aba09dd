#pragma once

#include <re2/re2.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/arena.h"
#include "gateway/base/result.h"

namespace gateway::routing {

/// Text with the groups of a match in it: "/users/\1/items". `\0` is the whole match, `\\` a
/// backslash.
class Substitution {
 public:
  /// Groups 0 to 9, as RE2 writes them.
  static constexpr int kMaxGroups = 10;

  Substitution() = default;
  static Result<Substitution> parse(std::string_view text);

  /// Highest group named.
  int max_group() const { return max_group_; }
  /// The text for `path`, of which `pattern` matches the whole; in `arena`.
  std::string_view apply(const re2::RE2& pattern, std::string_view path, Arena& arena) const;

 private:
  struct Piece {
    std::string text;
    int group = -1;  ///< below 0: `text`
  };

  std::vector<Piece> pieces_;
  int max_group_ = 0;
};

}  // namespace gateway::routing
