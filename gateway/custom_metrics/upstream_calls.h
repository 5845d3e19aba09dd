#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/custom_metrics/counted_seconds.h"
#include "gateway/custom_metrics/rings_report.h"
#include "gateway/metrics/registry.h"

namespace gateway::custom_metrics {

/// The calls of each upstream that ended in each complete second of the last minute, and of those
/// the failed ones: answered 5xx, or not at all. A call is one request with all its attempts: what
/// a retry mended has not failed. Made of what workers count anyway, as EndpointArrivals. Control
/// thread.
class UpstreamCalls {
 public:
  /// Outlives it.
  explicit UpstreamCalls(const Registry& registry) : registry_(registry) {}

  /// `now` never runs backwards.
  void look(Instant now);
  /// Adds two series, calls_series() and failures_series(), for each upstream that has anything to
  /// say, as of the last look: what is of ages below `news`.
  void report(std::uint32_t news, std::vector<RouteReport>& to) const;
  /// All that there were at the last look, idle ones included, sorted.
  std::vector<std::string> names() const;

 private:
  struct Counted {
    std::uint64_t total = 0;
    CountedSeconds seconds;
    void take(std::uint64_t now_total, Instant from, Instant to);
  };
  struct Upstream {
    Counted ended;
    Counted failed;
    std::uint32_t look = 0;
  };

  const Registry& registry_;
  std::map<std::string, Upstream, std::less<>> upstreams_;
  Instant looked_{};
  std::uint32_t looks_ = 0;
};

}  // namespace gateway::custom_metrics
