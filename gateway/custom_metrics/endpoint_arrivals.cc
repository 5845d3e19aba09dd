#include "gateway/custom_metrics/endpoint_arrivals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

namespace gateway::custom_metrics {
namespace {

constexpr std::uint32_t kMinuteOfSeconds = std::tuple_size_v<RateHistory>;

// A little more than a minute: what is older is not told.
constexpr Duration kSpreadAtMost = std::chrono::seconds(kMinuteOfSeconds + 2);

std::uint32_t bounded(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

void EndpointArrivals::look(Instant now) {
  if (looks_++ == 0) looked_ = registry_.started();
  for (auto& [label, endpoint] : endpoints_) endpoint.in_flight = 0;
  registry_.endpoints.for_each_group(
      [&](std::string_view upstream, std::string_view label, auto groups) {
        // Those that are over first: one that ends meanwhile is found by the next look.
        std::uint64_t over = 0;
        std::int64_t in_flight = 0;
        for (const EndpointCells* cells : groups) {
          over += cells->responses.total();
          in_flight += cells->in_flight.value();
        }
        in_flight = std::max<std::int64_t>(in_flight, 0);
        const std::uint64_t begun = over + static_cast<std::uint64_t>(in_flight);
        if (begun == 0) return;
        std::string key(upstream);
        key.append(1, '\0').append(label);
        look_at(std::move(key), label, begun, in_flight, now);
      });
  looked_ = now;
  forget(RateRing::second_of(now));
}

void EndpointArrivals::look_at(std::string key, std::string_view label, std::uint64_t begun,
                               std::int64_t in_flight, Instant now) {
  Series& series = series_[std::move(key)];
  series.look = looks_;
  const std::uint64_t news = begun > series.begun ? begun - series.begun : 0;
  series.begun += news;
  if (news == 0 && in_flight == 0) return;
  auto found = endpoints_.find(label);
  if (found == endpoints_.end()) found = endpoints_.try_emplace(std::string(label)).first;
  found->second.in_flight += in_flight;
  spread(news, looked_, now, found->second.buckets);
}

// Of the seconds before the running one nothing is still to come: the next look begins in it.
void EndpointArrivals::spread(std::uint64_t count, Instant from, Instant to,
                              std::vector<Bucket>& buckets) {
  if (count == 0) return;
  const auto part_until = [&](Instant end) -> std::uint64_t {
    if (end >= to || to <= from) return count;
    const double part =
        static_cast<double>((end - from).count()) / static_cast<double>((to - from).count());
    return static_cast<std::uint64_t>(
        std::llround(static_cast<double>(count) * std::max(part, 0.0)));
  };
  const std::uint32_t first = RateRing::second_of(std::max(from, to - kSpreadAtMost));
  std::uint64_t given = part_until(Instant(std::chrono::seconds(first)));
  for (std::uint32_t second = first; second <= RateRing::second_of(to); ++second) {
    const std::uint64_t until = part_until(Instant(std::chrono::seconds(second + 1)));
    const std::uint32_t here = bounded(until - given);
    given = until;
    if (here == 0) continue;
    add(buckets, {second, here});
  }
}

// Another upstream with the endpoint may have had its share of later seconds already.
void EndpointArrivals::add(std::vector<Bucket>& buckets, Bucket bucket) {
  auto at = buckets.end();
  while (at != buckets.begin() && std::prev(at)->second > bucket.second) --at;
  if (at != buckets.begin() && std::prev(at)->second == bucket.second)
    std::prev(at)->count += bucket.count;
  else
    buckets.insert(at, bucket);
}

void EndpointArrivals::forget(std::uint32_t second) {
  std::erase_if(series_, [this](const auto& each) { return each.second.look != looks_; });
  const std::uint32_t oldest = second > kMinuteOfSeconds ? second - kMinuteOfSeconds : 0;
  for (auto at = endpoints_.begin(); at != endpoints_.end();) {
    std::vector<Bucket>& buckets = at->second.buckets;
    const auto kept = std::ranges::find_if(
        buckets, [oldest](const Bucket& bucket) { return bucket.second >= oldest; });
    buckets.erase(buckets.begin(), kept);
    const bool idle = buckets.empty() && at->second.in_flight == 0;
    at = idle ? endpoints_.erase(at) : std::next(at);
  }
}

void EndpointArrivals::report(std::uint32_t news, std::vector<RouteReport>& to) const {
  const std::uint32_t running = RateRing::second_of(looked_);
  for (const auto& [label, endpoint] : endpoints_) {
    RouteReport report{endpoint_series(label), endpoint.in_flight, {}, std::nullopt};
    for (const Bucket& bucket : std::views::reverse(endpoint.buckets)) {
      if (bucket.second >= running) continue;
      const std::uint32_t age = running - 1 - bucket.second;
      if (age >= news) break;
      report.arrivals.push_back({age, bucket.count});
    }
    if (!report.arrivals.empty() || report.in_flight > 0) to.push_back(std::move(report));
  }
}

}  // namespace gateway::custom_metrics
