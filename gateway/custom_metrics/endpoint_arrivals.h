#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/custom_metrics/counted_seconds.h"
#include "gateway/custom_metrics/rings_report.h"
#include "gateway/metrics/registry.h"

namespace gateway::custom_metrics {

/// What a replica sent to each endpoint in each complete second of the last minute, and what is
/// under way there. Attempts, retries included: what the endpoint had to do.
///
/// Workers keep no rings for endpoints, which would be half a KiB for each of them on each worker.
/// It is made of what they count anyway, looked at about once a second: see CountedSeconds. What
/// began before the first look is spread over the life of the process. An address is one endpoint,
/// whatever upstreams lead to it. Ten thousand endpoints are some milliseconds a look. Control
/// thread.
class EndpointArrivals {
 public:
  /// Outlives it.
  explicit EndpointArrivals(const Registry& registry) : registry_(registry) {}

  /// `now` never runs backwards.
  void look(Instant now);
  /// Adds those endpoints that have anything to say, as of the last look: arrivals of ages below
  /// `news`, and what is under way.
  void report(std::uint32_t news, std::vector<RouteReport>& to) const;

 private:
  /// An upstream's endpoint, as it was when last looked at.
  struct Series {
    std::uint64_t begun = 0;
    std::uint32_t look = 0;
  };
  struct Endpoint {
    std::int64_t in_flight = 0;
    CountedSeconds begun;
  };
  void look_at(std::string key, std::string_view label, std::uint64_t begun, std::int64_t in_flight,
               Instant now);
  void forget(std::uint32_t second);

  const Registry& registry_;
  std::unordered_map<std::string, Series> series_;
  std::map<std::string, Endpoint, std::less<>> endpoints_;  ///< by label, busy ones
  Instant looked_{};
  std::uint32_t looks_ = 0;
};

}  // namespace gateway::custom_metrics
