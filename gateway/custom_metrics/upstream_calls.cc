#include "gateway/custom_metrics/upstream_calls.h"

namespace gateway::custom_metrics {
namespace {

void tell(std::string series, std::vector<Arrivals> arrivals, std::vector<RouteReport>& to) {
  if (!arrivals.empty()) to.push_back({std::move(series), 0, std::move(arrivals), std::nullopt});
}

}  // namespace

void UpstreamCalls::Counted::take(std::uint64_t now_total, Instant from, Instant to) {
  if (now_total <= total) return;
  seconds.spread(now_total - total, from, to);
  total = now_total;
}

void UpstreamCalls::look(Instant now) {
  if (looks_++ == 0) looked_ = registry_.started();
  registry_.upstreams.for_each_group([&](std::string_view name, std::string_view, auto groups) {
    if (name == kOverflowSeries) return;
    // Failures first: one that ends meanwhile is not among them without being among all.
    std::uint64_t failed = 0;
    for (const UpstreamCells* cells : groups)
      failed += cells->responses.by_class[5].value() + cells->responses.by_class[0].value();
    std::uint64_t ended = 0;
    for (const UpstreamCells* cells : groups) ended += cells->responses.total();
    auto found = upstreams_.find(name);
    if (found == upstreams_.end()) found = upstreams_.try_emplace(std::string(name)).first;
    found->second.look = looks_;
    found->second.ended.take(ended, looked_, now);
    found->second.failed.take(failed, looked_, now);
  });
  looked_ = now;
  std::erase_if(upstreams_, [this](const auto& each) { return each.second.look != looks_; });
  for (auto& [name, upstream] : upstreams_) {
    upstream.ended.seconds.forget(RateRing::second_of(now));
    upstream.failed.seconds.forget(RateRing::second_of(now));
  }
}

void UpstreamCalls::report(std::uint32_t news, std::vector<RouteReport>& to) const {
  const std::uint32_t running = RateRing::second_of(looked_);
  for (const auto& [name, upstream] : upstreams_) {
    tell(calls_series(name), upstream.ended.seconds.told(running, news), to);
    tell(failures_series(name), upstream.failed.seconds.told(running, news), to);
  }
}

std::vector<std::string> UpstreamCalls::names() const {
  std::vector<std::string> names;
  names.reserve(upstreams_.size());
  for (const auto& [name, upstream] : upstreams_) names.push_back(name);
  return names;
}

}  // namespace gateway::custom_metrics
