#include "gateway/custom_metrics/metric.h"

#include <algorithm>
#include <cmath>

namespace gateway::custom_metrics {
namespace {

struct Names {
  std::string_view own;
  std::string_view sum;
};

// In the order of Metric.
constexpr Names kNames[] = {
    {"gateway_requests_per_second", "gateway_cluster_requests_per_second"},
    {"gateway_requests_in_flight", "gateway_cluster_requests_in_flight"},
    {"gateway_latency_p99_seconds", "gateway_cluster_latency_p99_seconds"},
    {"", "gateway_cluster_upstream_requests_per_second"},
    {"", "gateway_cluster_upstream_failures_per_second"},
};

Result<Reading> read_any(ClusterSum& sum, Metric metric, std::span<const std::string> names) {
  switch (metric) {
    case Metric::requests_per_second:
      return sum.rate(names).map([](const RequestRate& rate) {
        return Reading{rate.per_second, rate.window};
      });
    case Metric::requests_in_flight:
      return sum.in_flight(names).map([](std::int64_t count) {
        return Reading{static_cast<double>(std::max<std::int64_t>(count, 0)), 0};
      });
    case Metric::latency_p99:
      return sum.p99(names).map([](double seconds) {
        constexpr auto kWindow =
            std::chrono::duration_cast<std::chrono::seconds>(LatencyWindow::kLength);
        return Reading{seconds, static_cast<int>(kWindow.count())};
      });
    case Metric::upstream_requests_per_second:
      return sum.calls(names.front()).map([](const CallRates& rates) {
        return Reading{rates.per_second, rates.window};
      });
    case Metric::upstream_failures_per_second:
      return sum.calls(names.front()).map([](const CallRates& rates) {
        return Reading{rates.failed_per_second, rates.window};
      });
  }
  return failure(ErrorCode::internal, Side::internal);
}

}  // namespace

std::string_view name_of(Metric metric) { return kNames[static_cast<std::size_t>(metric)].own; }
std::string_view sum_name_of(Metric metric) { return kNames[static_cast<std::size_t>(metric)].sum; }

std::optional<Metric> metric_named(std::string_view name) {
  for (const Metric metric : kMetrics)
    if (name_of(metric) == name) return metric;
  return std::nullopt;
}

std::optional<Metric> metric_of_sum(std::string_view name) {
  for (const Metric metric : kSumMetrics)
    if (sum_name_of(metric) == name) return metric;
  return std::nullopt;
}

// The one way out for numbers: none that an autoscaler could take for something else.
Result<Reading> read(ClusterSum& sum, Metric metric, std::span<const std::string> names) {
  auto reading = read_any(sum, metric, names);
  if (reading && (!std::isfinite(reading->value) || reading->value < 0))
    return failure(ErrorCode::internal, Side::internal, "a sum came out as no number");
  return reading;
}

}  // namespace gateway::custom_metrics
