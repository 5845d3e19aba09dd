#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gateway/admin/admin_source.h"

/// The registry's cells as JSON objects, for /stats and the listings. Latencies are counts per
/// bucket of Histogram::kBounds, so that a watcher can subtract an earlier answer from a later one.
namespace gateway::admin {

using Json = nlohmann::ordered_json;
using JsonByName = std::map<std::string, Json, std::less<>>;

/// What rates are computed with: the same instant for all routes of one answer.
struct RateTime {
  explicit RateTime(const Registry& registry)
      : now(registry.now()), known_seconds(registry.known_seconds()) {}
  Instant now;
  int known_seconds;
};
double rate_of(const RouteCells& cells, const RateTime& time);

Json route_json(const RouteCells& cells, const RateTime& time);
JsonByName route_numbers(const Registry& registry);
JsonByName upstream_numbers(const Registry& registry);
/// State and numbers of the endpoints of these upstreams, each list in the order of its endpoint
/// set. All series are walked once, however many upstreams there are.
JsonByName endpoint_numbers(AdminSource& source, const std::vector<std::string>& upstreams);
Json listener_numbers(const Registry& registry);
Json token_numbers(const Registry& registry);
Json process_numbers(const Registry& registry);

/// Responses in the order none, 1xx to 5xx.
Json classes_json(const ResponseClasses& classes);
Json latency_json(const Histogram& histogram);
/// "250ms", "1.5s".
std::string duration_text(Duration duration);

}  // namespace gateway::admin
