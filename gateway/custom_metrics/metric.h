#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/custom_metrics/cluster_sum.h"

namespace gateway::custom_metrics {

/// What can be read: of a route or of several as one, and of an upstream.
enum class Metric : std::uint8_t {
  requests_per_second,
  requests_in_flight,
  latency_p99,
  upstream_requests_per_second,
  upstream_failures_per_second,
};
/// Those of routes, which autoscalers read.
inline constexpr Metric kMetrics[] = {Metric::requests_per_second, Metric::requests_in_flight,
                                      Metric::latency_p99};
/// All, which the query API has.
inline constexpr Metric kSumMetrics[] = {Metric::requests_per_second, Metric::requests_in_flight,
                                         Metric::latency_p99, Metric::upstream_requests_per_second,
                                         Metric::upstream_failures_per_second};
inline bool is_of_upstreams(Metric metric) { return metric > Metric::latency_p99; }
/// The label that says what the metric is of: "route" or "upstream".
inline std::string_view label_of(Metric metric) {
  return is_of_upstreams(metric) ? "upstream" : "route";
}

/// For the HPA, of kMetrics alone: "gateway_requests_per_second", "gateway_requests_in_flight",
/// "gateway_latency_p99_seconds".
std::string_view name_of(Metric metric);
std::optional<Metric> metric_named(std::string_view name);

/// For readers of the Prometheus query API: another name than a replica's own series have, which
/// Prometheus sums itself. "gateway_cluster_requests_per_second" and so on.
std::string_view sum_name_of(Metric metric);
std::optional<Metric> metric_of_sum(std::string_view name);

struct Reading {
  double value = 0;  ///< finite and not negative
  int window = 0;    ///< seconds that it was taken over; 0: an instant
};
/// Errors as ClusterSum's. `names` are routes, or one upstream.
Result<Reading> read(ClusterSum& sum, Metric metric, std::span<const std::string> names);

}  // namespace gateway::custom_metrics
