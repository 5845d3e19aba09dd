#include "gateway/proxy/proxy.h"

#include "gateway/base/check.h"
#include "gateway/proxy/exchange.h"

namespace gateway::proxy {

Proxy::Proxy(EventLoop& loop, MetricsShard& metrics, AccessLogShard* access_log, TlsFactory tls)
    : loop_(loop), metrics_(metrics), access_log_(access_log), make_tls_(std::move(tls)) {}

Proxy::~Proxy() = default;

Result<Proxy::FreshTls> Proxy::prepare(const snapshot::Snapshot& next) {
  FreshTls fresh;
  for (const auto& [name, settings] : next.upstreams) {
    if (!settings->tls) continue;
    const auto& files = next.client_tls.find(name)->second;
    const auto found = upstreams_.find(name);
    const bool same = found != upstreams_.end() && found->second->settings().tls == settings->tls &&
                      *snapshot_->client_tls.find(name)->second == *files;
    if (same) continue;
    auto made = make_tls_(*settings->tls, *files);
    if (!made) return tl::make_unexpected(made.error());
    fresh.emplace(name, std::move(*made));
  }
  return fresh;
}

void Proxy::swap(std::shared_ptr<const snapshot::Snapshot> next, FreshTls fresh) {
  take_upstreams(*next, std::move(fresh));
  keep_bound_routes(*next);
  snapshot_ = std::move(next);
  ++generation_;
  // A state whose last filter went with the old routes is referenced by the map alone.
  std::erase_if(states_, [](const auto& slot) { return slot.second.use_count() == 1; });
}

void Proxy::take_upstreams(const snapshot::Snapshot& next, FreshTls fresh) {
  std::map<std::string, LocalPtr<upstream::Upstream>, std::less<>> kept;
  for (const auto& [name, settings] : next.upstreams) {
    const auto renewed = fresh.find(name);
    auto tls = renewed == fresh.end() ? nullptr : std::move(renewed->second);
    const auto found = upstreams_.find(name);
    if (found != upstreams_.end() && found->second->settings().tls == settings->tls) {
      found->second->configure(settings);
      if (tls) found->second->renew(std::move(tls));
      kept.emplace(name, std::move(found->second));
    } else if (settings->tls) {
      kept.emplace(name, make_upstream(settings, std::move(tls)));
    }
  }
  upstreams_ = std::move(kept);
  std::erase_if(endpoint_sets_,
                [&](const auto& set) { return !next.upstreams.contains(set.first); });
}

LocalPtr<upstream::Upstream> Proxy::make_upstream(std::shared_ptr<const config::Upstream> settings,
                                                  std::shared_ptr<net::ClientTlsContext> tls) {
  GATEWAY_CHECK(!settings->tls || tls);
  const auto set = endpoint_sets_.find(settings->name);
  auto upstream =
      make_local<upstream::Upstream>(loop_, std::move(settings), std::move(tls), &metrics_);
  if (set != endpoint_sets_.end()) upstream->update(set->second);
  return upstream;
}

void Proxy::keep_bound_routes(const snapshot::Snapshot& next) {
  const auto& routes = next.routes->routes();
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    if (!bound_[i]) continue;
    bound_[i]->targets() = {};  // what the new snapshot has no more must not live on in a route
    const bool same = i < routes.size() && bound_[i]->is(routes[i].get(), next.chains[i].get());
    if (!same) bound_[i] = {};
  }
  bound_.resize(routes.size());
}

void Proxy::update_endpoints(const upstream::EndpointSetPtr& set) {
  endpoint_sets_[set->upstream] = set;
  if (const auto found = upstreams_.find(set->upstream); found != upstreams_.end())
    found->second->update(set);
}

LocalPtr<BoundRoute> Proxy::bind(const routing::Route& route) {
  LocalPtr<BoundRoute>& slot = bound_[route.index];
  if (!slot)
    slot = make_local<BoundRoute>(snapshot_->routes->routes()[route.index],
                                  snapshot_->chains[route.index],
                                  static_cast<filter::WorkerServices&>(*this));
  return slot;
}

LocalPtr<upstream::Upstream> Proxy::find_upstream(std::string_view name) {
  if (const auto found = upstreams_.find(name); found != upstreams_.end()) return found->second;
  const auto settings = snapshot_->upstreams.find(name);
  // One with TLS is there already: without its context it would be spoken to in the clear.
  if (settings == snapshot_->upstreams.end() || settings->second->tls) return {};
  return upstreams_.emplace(name, make_upstream(settings->second, nullptr)).first->second;
}

LocalPtr<upstream::Upstream> Proxy::target(BoundRoute& route, std::size_t index) {
  BoundRoute::Targets& targets = route.targets();
  if (targets.generation != generation_) [[unlikely]] {
    targets = {generation_, {}};
    for (const auto& each : route.model().forward)
      targets.upstreams.push_back(find_upstream(each.upstream));
  }
  return index < targets.upstreams.size() ? targets.upstreams[index]
                                          : LocalPtr<upstream::Upstream>();
}

upstream::Upstream* Proxy::upstream(std::string_view name) { return find_upstream(name).pointer(); }

std::shared_ptr<void>& Proxy::state_slot(const std::string& key) { return states_[key]; }

std::unique_ptr<downstream::Exchange> Proxy::begin(downstream::Stream& stream) {
  auto exchange = std::make_unique<Exchange>(*this, stream);
  exchange->run();
  return exchange;
}

void Proxy::on_refused(const downstream::ConnectionFacts& connection, const Error& error) {
  metrics_.process().local_reply(error.code);
  if (access_log_ == nullptr || !access_log_->enabled()) return;
  const ErrorDescription& description = describe(error.code);
  AccessRecord record;
  record.started = loop_.now();
  record.client = connection.peer.ip();
  record.status = description.status;
  record.flag = description.flag;
  record.tls_version = connection.tls->version;
  access_log_->write(record);
}

}  // namespace gateway::proxy
