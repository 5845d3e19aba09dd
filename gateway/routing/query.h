#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace gateway::routing {

/// A name or value of more bytes never matches.
inline constexpr std::size_t kLongestParameter = 8192;

/// Text of a query as the application will read it: escapes decoded, '+' a space. A view of `raw`
/// when there is nothing to decode, else of `buffer`; nothing when it is longer than
/// kLongestParameter. An escape that is broken stays as it is.
std::optional<std::string_view> decode_parameter(std::string_view raw,
                                                 std::span<char, kLongestParameter> buffer);

/// Calls `visit(name, value)`, both still encoded, for each parameter until it returns true;
/// returns whether one did.
template <typename Visit>
bool any_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (visit(pair.substr(0, equals), value)) return true;
  }
  return false;
}

}  // namespace gateway::routing
