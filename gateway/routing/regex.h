#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/result.h"

namespace gateway::routing {

/// A compiled pattern, shared by all that name it. The request path only ever looks through it; the
/// count changes on the control thread alone.
using Regex = std::shared_ptr<const re2::RE2>;

/// Every pattern in use, compiled once and kept over reloads. Control thread only.
class RegexCache {
 public:
  Result<Regex> compile(const std::string& pattern);
  /// Forgets patterns that nobody uses any more.
  void drop_unused();
  std::size_t size() const { return known_.size(); }

 private:
  std::unordered_map<std::string, std::weak_ptr<const re2::RE2>> known_;
};

/// True when `pattern` matches the whole of `text`.
bool matches_whole(const re2::RE2& pattern, std::string_view text);

/// The text that every full match of `pattern` begins with; empty when nothing is sure. Never
/// longer than the truth: `/v1/users/[0-9]+` gives `/v1/users/`, `/ab?` gives `/a`, `/a|/b`
/// nothing.
std::string literal_prefix(std::string_view pattern);

}  // namespace gateway::routing
