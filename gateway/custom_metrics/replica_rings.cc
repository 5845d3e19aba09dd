#include "gateway/custom_metrics/replica_rings.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/random.h"

namespace gateway::custom_metrics {

ReplicaRings::ReplicaRings(const Registry& registry, std::string id)
    : registry_(registry), id_(std::move(id)), endpoints_(registry), calls_(registry) {}

std::string ReplicaRings::random_id() {
  Random random = Random::from_entropy();
  return fmt::format("{:016x}{:016x}", random.next(), random.next());
}

// Ten thousand routes are some milliseconds: once a second, and only what is asked for of each.
void ReplicaRings::refresh() {
  const Instant now = registry_.now();
  const std::uint32_t second = RateRing::second_of(now);
  if (sampled_ && second == second_) return;
  sampled_ = true;
  second_ = second;
  routes_.clear();
  std::vector<std::string> names;
  names.reserve(names_->size());
  registry_.routes.for_each_group([&](std::string_view name, std::string_view, auto groups) {
    if (name == kOverflowSeries) return;
    names.emplace_back(name);
    Sampled route;
    RateHistory history{};
    for (const RouteCells* cells : groups) {
      cells->arrivals.read_into(history, now);
      route.in_flight += cells->in_flight.value();
    }
    for (std::uint32_t age = 0; age < history.size(); ++age)
      if (history[age] > 0)
        route.arrivals.push_back(
            {age, static_cast<std::uint32_t>(std::min<std::uint64_t>(history[age], UINT32_MAX))});
    if (route.arrivals.empty() && route.in_flight <= 0) return;
    route.name = name;
    routes_.push_back(std::move(route));
  });
  if (names != *names_) names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  endpoints_.look(now);
  calls_.look(now);
  auto upstreams = calls_.names();
  if (upstreams != *upstreams_)
    upstreams_ = std::make_shared<const std::vector<std::string>>(std::move(upstreams));
}

ReplicaRings::Names ReplicaRings::names() {
  refresh();
  return names_;
}

ReplicaRings::Names ReplicaRings::upstreams() {
  refresh();
  return upstreams_;
}

RingsReport ReplicaRings::report(const RingsQuery& query) {
  refresh();
  RingsReport report{id_, second_, registry_.known_seconds(), {}};
  const bool goes_on = query.replica == id_ && query.since <= second_;
  // Ages below it are news.
  const std::uint32_t news = goes_on ? second_ - query.since : UINT32_MAX;
  for (const Sampled& route : routes_) {
    const auto end = std::find_if(route.arrivals.begin(), route.arrivals.end(),
                                  [news](const Arrivals& each) { return each.age >= news; });
    if (end == route.arrivals.begin() && route.in_flight <= 0) continue;
    report.routes.push_back({route.name,
                             std::max<std::int64_t>(route.in_flight, 0),
                             {route.arrivals.begin(), end},
                             std::nullopt});
  }
  add_latency(query, report);
  endpoints_.report(news, report.routes);
  calls_.report(news, report.routes);
  return report;
}

void ReplicaRings::add_latency(const RingsQuery& query, RingsReport& report) const {
  for (const std::string& name : query.latency) {
    LatencyCounts counts{};
    const bool known = registry_.routes.read(name, {}, [&counts](const RouteCells& cells) {
      for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += cells.latency.count_in(i);
    });
    if (!known) continue;
    // Sorted by name, as the sample is.
    auto at = std::lower_bound(
        report.routes.begin(), report.routes.end(), name,
        [](const RouteReport& route, const std::string& wanted) { return route.name < wanted; });
    if (at == report.routes.end() || at->name != name)
      at = report.routes.insert(at, RouteReport{name, 0, {}, std::nullopt});
    at->latency = counts;
  }
}

}  // namespace gateway::custom_metrics
