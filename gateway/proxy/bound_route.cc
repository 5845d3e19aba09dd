#include "gateway/proxy/bound_route.h"

namespace gateway::proxy {

BoundRoute::BoundRoute(std::shared_ptr<const routing::Route> route,
                       std::shared_ptr<const snapshot::FilterChain> chain,
                       filter::WorkerServices& services)
    : route_(std::move(route)),
      chain_(std::move(chain)),
      cells_(services.metrics().route(route_->name())) {
  for (const snapshot::RouteFilter& entry : *chain_) {
    filters_.push_back({entry.plan->bind(services), entry.plan->hooks()});
    if ((entry.plan->hooks() & ~filter::kOnRequest) != 0) keeps_filter_data_ = true;
    const auto names = entry.plan->route_identity_headers();
    identity_headers_.insert(identity_headers_.end(), names.begin(), names.end());
  }
  call_options_.request_timeout = route_->model.timeout;
  call_options_.idle_timeout = route_->model.idle_timeout;
}

}  // namespace gateway::proxy
