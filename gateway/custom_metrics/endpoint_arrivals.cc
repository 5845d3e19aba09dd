#include "gateway/custom_metrics/endpoint_arrivals.h"

#include <algorithm>

namespace gateway::custom_metrics {

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
  found->second.begun.spread(news, looked_, now);
}

void EndpointArrivals::forget(std::uint32_t second) {
  std::erase_if(series_, [this](const auto& each) { return each.second.look != looks_; });
  for (auto at = endpoints_.begin(); at != endpoints_.end();) {
    at->second.begun.forget(second);
    const bool idle = at->second.begun.empty() && at->second.in_flight == 0;
    at = idle ? endpoints_.erase(at) : std::next(at);
  }
}

void EndpointArrivals::report(std::uint32_t news, std::vector<RouteReport>& to) const {
  const std::uint32_t running = RateRing::second_of(looked_);
  for (const auto& [label, endpoint] : endpoints_) {
    RouteReport report{endpoint_series(label), endpoint.in_flight,
                       endpoint.begun.told(running, news), std::nullopt};
    if (!report.arrivals.empty() || report.in_flight > 0) to.push_back(std::move(report));
  }
}

}  // namespace gateway::custom_metrics
