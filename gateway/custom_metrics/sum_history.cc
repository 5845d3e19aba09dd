#include "gateway/custom_metrics/sum_history.h"

#include <cmath>
#include <limits>

namespace gateway::custom_metrics {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

}  // namespace

void SumHistory::tick() {
  if (clock_.now() >= wanted_until_) {
    series_.clear();
    taken_.fill(0);
    return;
  }
  const std::uint32_t second = RateRing::second_of(clock_.now());
  if (taken_[second % kSeconds] == second || !sum_.available()) return;
  taken_[second % kSeconds] = second;
  for (const std::string& route : sum_.routes()) take(route, second);
  std::erase_if(series_,
                [second](const auto& each) { return second - each.second.last_busy >= kSeconds; });
}

// Only p99s that somebody reads: asking for one makes all replicas tell histograms.
void SumHistory::take(const std::string& route, std::uint32_t second) {
  const std::span one(&route, 1);
  const auto rate = sum_.rate(one);
  const auto in_flight = sum_.in_flight(one);
  const bool busy = rate && in_flight && (rate->per_second > 0 || *in_flight > 0);
  auto found = series_.find(route);
  if (found == series_.end() && !busy && !sum_.reads_latency(route)) return;
  if (found == series_.end()) found = series_.emplace(route, Series{{}, second}).first;
  Series& series = found->second;
  if (busy) series.last_busy = second;
  put(series, Metric::requests_per_second, second,
      rate ? static_cast<float>(rate->per_second) : kUnknown);
  put(series, Metric::requests_in_flight, second,
      in_flight ? static_cast<float>(*in_flight) : kUnknown);
  if (!sum_.reads_latency(route)) return put(series, Metric::latency_p99, second, kUnknown);
  series.last_busy = second;
  const auto p99 = sum_.latency_as_read(route);
  put(series, Metric::latency_p99, second, p99 ? static_cast<float>(*p99) : kUnknown);
}

void SumHistory::put(Series& series, Metric metric, std::uint32_t second, float value) {
  std::vector<float>& ring = series.rings[static_cast<std::size_t>(metric)];
  if (ring.empty()) {
    const bool latency = metric == Metric::latency_p99;
    if (value == 0 || (latency && std::isnan(value))) return;
    ring.resize(kSeconds, latency ? kUnknown : 0);
  }
  ring[second % kSeconds] = value;
}

std::optional<double> SumHistory::value(Metric metric, std::string_view route,
                                        std::uint32_t ago) const {
  if (is_of_upstreams(metric)) return std::nullopt;
  const std::uint32_t second = RateRing::second_of(clock_.now()) - ago;
  if (ago >= kSeconds || taken_[second % kSeconds] != second) return std::nullopt;
  const double absent = metric == Metric::latency_p99 ? kUnknown : 0;
  const auto found = series_.find(route);
  double value = absent;
  if (found != series_.end()) {
    const std::vector<float>& ring = found->second.rings[static_cast<std::size_t>(metric)];
    if (!ring.empty()) value = static_cast<double>(ring[second % kSeconds]);
  }
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

}  // namespace gateway::custom_metrics
