#include "gateway/custom_metrics/replica.h"

#include <algorithm>
#include <ranges>

namespace gateway::custom_metrics {

Result<void> Replica::apply(const RingsReport& report, Instant now) {
  if (report.replica == id_ && report.second < second_)
    return failure(ErrorCode::bad_request, Side::upstream, "a peer's seconds ran backwards");
  if (report.replica != id_) *this = Replica();
  id_ = report.replica;
  known_seconds_ = report.known_seconds;
  heard_before_ = heard_;
  heard_ = now;
  for (auto& [name, route] : routes_) {
    route.in_flight = 0;
    route.has_latency = false;
  }
  for (const RouteReport& route : report.routes) take(route, report.second, now);
  second_ = report.second;
  drop_old();
  return {};
}

// Seconds before the cursor are here already, whatever the report repeats of them.
void Replica::take(const RouteReport& report, std::uint32_t second, Instant now) {
  Route& route = routes_[report.name];
  route.in_flight = report.in_flight;
  for (const Arrivals& each : std::views::reverse(report.arrivals)) {
    if (each.age + 1 > second) continue;
    const std::uint32_t then = second - 1 - each.age;
    if (then >= second_) route.buckets.push_back({then, each.count});
  }
  if (!report.latency) return;
  route.latency.add(now, *report.latency);
  route.has_latency = true;
}

void Replica::drop_old() {
  constexpr std::uint32_t kMinute = std::tuple_size_v<RateHistory>;
  const std::uint32_t oldest = second_ > kMinute ? second_ - kMinute : 0;
  for (auto at = routes_.begin(); at != routes_.end();) {
    Route& route = at->second;
    const auto kept = std::ranges::find_if(
        route.buckets, [oldest](const Bucket& bucket) { return bucket.second >= oldest; });
    route.buckets.erase(route.buckets.begin(), kept);
    if (!route.has_latency) route.latency = {};
    const bool idle = route.buckets.empty() && route.in_flight == 0 && !route.has_latency;
    at = idle ? routes_.erase(at) : std::next(at);
  }
}

RingsQuery Replica::question(std::vector<std::string> latency) const {
  return {id_, second_, std::move(latency)};
}

void Replica::add_arrivals(std::string_view name, std::uint32_t older, RateHistory& sum) const {
  const auto found = routes_.find(name);
  if (found == routes_.end()) return;
  for (const Bucket& bucket : found->second.buckets) {
    const std::uint64_t age = std::uint64_t{second_ - 1 - bucket.second} + older;
    if (age < sum.size()) sum[age] += bucket.count;
  }
}

std::int64_t Replica::in_flight(std::string_view name) const {
  const auto found = routes_.find(name);
  return found == routes_.end() ? 0 : found->second.in_flight;
}

const LatencyWindow* Replica::latency(std::string_view name) const {
  const auto found = routes_.find(name);
  return found == routes_.end() || !found->second.has_latency ? nullptr : &found->second.latency;
}

}  // namespace gateway::custom_metrics
