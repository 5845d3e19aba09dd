#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/filter/filter.h"
#include "gateway/routing/route_table.h"

namespace gateway::snapshot {

/// A compiled filter at its place in a route's chain.
struct RouteFilter {
  const filter::FilterType* type = nullptr;
  config::PolicySettings settings;
  std::shared_ptr<const filter::Plan> plan;
};
using FilterChain = std::vector<RouteFilter>;

/// Everything that workers need to serve one model: immutable, complete, built off the workers.
/// What did not change is shared with the snapshot before: routes, patterns, filter plans,
/// upstreams.
struct Snapshot {
  std::uint64_t generation = 0;
  std::shared_ptr<const config::Model> model;
  std::shared_ptr<const routing::RouteTable> routes;
  /// By routing::Route::index; null where there is no route. The same object while route and global
  /// filters are equal.
  std::vector<std::shared_ptr<const FilterChain>> chains;
  std::map<std::string, std::shared_ptr<const config::Upstream>, std::less<>> upstreams;
  /// Removed from every incoming request before filters run.
  std::vector<std::string> identity_headers;
};

/// Compiles a validated model. Fails without side effects; the sentence names the route or filter.
Result<std::shared_ptr<const Snapshot>> compile(std::shared_ptr<const config::Model> model,
                                                std::uint64_t generation, const Snapshot* previous,
                                                filter::CompileServices& services);

}  // namespace gateway::snapshot
