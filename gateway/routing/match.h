#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/http/message.h"
#include "gateway/routing/regex.h"

namespace gateway::routing {

struct Route;

/// A header or a query parameter that must be there.
struct Condition {
  enum class Kind : std::uint8_t { equal, regex, present };

  Kind kind = Kind::equal;
  http::HeaderId id = http::HeaderId::other;  ///< of a header only
  std::string name;
  std::string value;
  Regex regex;
};

/// One row of a route's `match`, compiled. Immutable; lives as long as its route.
struct Match {
  const Route* route = nullptr;
  config::PathMatch kind = config::PathMatch::prefix;
  /// Exact path; prefix without its last slash (empty: every path); or what each full match of the
  /// regex begins with.
  std::string path;
  Regex regex;
  std::uint16_t methods = kAllMethods;  ///< one bit for each http::Method
  std::vector<Condition> headers;
  std::vector<Condition> query;

  static constexpr std::uint16_t kAllMethods = 0xffff;
  static std::uint16_t bit(http::Method method) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(method));
  }
  /// False when the method alone decides, once the path is known.
  bool conditional() const { return regex != nullptr || !headers.empty() || !query.empty(); }
};

/// Whether a request meets what remains to be asked when path (a regex's literal beginning) and
/// method fit. A header meets a condition when any field of that name does; of a parameter given
/// more than once the first counts, decoded.
bool meets(const http::RequestHead& request, const Match& match);
bool header_meets(const http::HeaderList& headers, const Condition& condition);
bool query_meets(std::string_view query, const Condition& condition);

/// Whether `path` fits, regex included; the plain reading of what PathTrie finds.
bool path_fits(std::string_view path, const Match& match);

/// What decides between two matches of one host, in the Gateway API's order. Regex, which that
/// order leaves open, stands between exact and prefix, so that `/` does not swallow it; among
/// regexes the longer literal beginning goes first.
enum class Rule : std::uint8_t { path_kind, path_length, method, headers, query, order };

struct Precedence {
  int sign;  ///< below 0: the first goes first; 0: the order in the configuration decides
  Rule rule;
};
Precedence compare(const Match& first, const Match& second);

}  // namespace gateway::routing
