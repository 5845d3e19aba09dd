#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/routing/match.h"
#include "gateway/routing/split.h"
#include "gateway/routing/substitution.h"

namespace gateway::routing {

/// A route as asked for, and what was compiled from it. Immutable, and the same object in every
/// table whose model holds an equal route: a caller may keep what it compiled itself while the
/// pointer stays.
struct Route {
  /// Position in RouteTable::routes(): dense, and kept over reloads as long as the route is equal.
  std::uint32_t index = 0;
  const std::shared_ptr<const config::Route> asked;
  const config::Route& model = *asked;
  config::Rare<std::vector<std::string>>
      canonical;  ///< hosts, where the model writes them otherwise
  std::vector<Match> matches;
  Substitution substitution;  ///< of `rewrite.regex_substitution`
  Split split;

  explicit Route(std::shared_ptr<const config::Route> route) : asked(std::move(route)) {}
  Route(const Route&) = delete;
  Route& operator=(const Route&) = delete;

  const std::string& name() const { return model.name; }
  /// In lower case, each once; empty: every host.
  const std::vector<std::string>& hosts() const { return canonical ? *canonical : model.hosts; }
};

/// Fails with the sentence to show when a host, path, pattern, method or target is impossible.
Result<std::shared_ptr<const Route>> compile_route(std::shared_ptr<const config::Route> model,
                                                   std::uint32_t index, RegexCache& regexes);

}  // namespace gateway::routing
