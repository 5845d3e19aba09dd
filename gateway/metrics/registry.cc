#include "gateway/metrics/registry.h"

#include <algorithm>

namespace gateway {

std::shared_ptr<RouteCells> MetricsShard::route(std::string_view name) {
  return registry_.routes.bind(index_, name);
}

std::shared_ptr<UpstreamCells> MetricsShard::upstream(std::string_view name) {
  return registry_.upstreams.bind(index_, name);
}

std::shared_ptr<EndpointCells> MetricsShard::endpoint(std::string_view upstream,
                                                      std::string_view endpoint) {
  return registry_.endpoints.bind(index_, upstream, endpoint);
}

std::shared_ptr<ListenerCells> MetricsShard::listener(std::string_view name) {
  return registry_.listeners.bind(index_, name);
}

std::shared_ptr<TokenCells> MetricsShard::token(std::string_view name) {
  return registry_.tokens.bind(index_, name);
}

Registry::Registry(std::size_t workers, const Clock& clock, const Limits& limits)
    : routes(workers + 1, limits.routes),
      upstreams(workers + 1, limits.upstreams),
      endpoints(workers + 1, limits.endpoints),
      listeners(workers + 1, limits.listeners),
      tokens(workers + 1, limits.tokens),
      clock_(clock),
      started_(clock.now()) {
  for (std::size_t i = 0; i <= workers; ++i)
    shards_.push_back(std::make_unique<MetricsShard>(*this, i));
}

template <typename Cells>
void Registry::hold(SeriesSet<Cells>& set, const std::vector<std::string_view>& names, Held& held) {
  Held now;
  now.reserve(names.size());
  for (const std::string_view name : names) now.push_back(set.hold(name));
  held = std::move(now);
}

void Registry::hold_routes(const std::vector<std::string_view>& names) {
  hold(routes, names, held_routes_);
}

void Registry::hold_upstreams(const std::vector<std::string_view>& names) {
  hold(upstreams, names, held_upstreams_);
}

void Registry::refresh() {
  if (before_read_) before_read_();
  const Instant now = clock_.now();
  routes.forget_unheld(now);
  upstreams.forget_unheld(now);
  endpoints.forget_unheld(now);
  listeners.forget_unheld(now);
  tokens.forget_unheld(now);
}

void Registry::read_process(ProcessCells& total) const {
  for (const auto& shard : shards_) total.merge(shard->process());
  total.merge(log_writer_);
}

std::vector<RecentError> Registry::recent_errors(std::size_t most) const {
  std::vector<RecentError> all;
  for (const auto& shard : shards_) shard->recent_errors().read_into(all);
  std::sort(all.begin(), all.end(),
            [](const RecentError& a, const RecentError& b) { return a.started > b.started; });
  if (all.size() > most) all.resize(most);
  return all;
}

int Registry::known_seconds() const {
  const std::uint32_t seconds = RateRing::second_of(clock_.now()) - RateRing::second_of(started_);
  // The second in which the process began is not complete.
  return seconds == 0 ? 0 : static_cast<int>(std::min<std::uint32_t>(seconds - 1, 60));
}

}  // namespace gateway
