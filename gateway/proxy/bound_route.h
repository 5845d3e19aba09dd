#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/base/local_ptr.h"
#include "gateway/filter/filter.h"
#include "gateway/metrics/registry.h"
#include "gateway/routing/route.h"
#include "gateway/snapshot/snapshot.h"
#include "gateway/upstream/call.h"
#include "gateway/upstream/upstream.h"

namespace gateway::proxy {

/// A filter of a route on one worker.
struct BoundFilter {
  std::unique_ptr<filter::Filter> filter;
  unsigned hooks = 0;
};

/// A route on one worker: its filters' state, the upstreams it may go to, its counters. Pinned by
/// the exchanges that use it, so that a reload never changes a route under a running exchange, and
/// the rest of an old snapshot can go.
class BoundRoute final : public LocalCounted {
 public:
  BoundRoute(std::shared_ptr<const routing::Route> route,
             std::shared_ptr<const snapshot::FilterChain> chain, filter::WorkerServices& services);

  const routing::Route& route() const { return *route_; }
  const config::Route& model() const { return route_->model; }
  bool is(const routing::Route* route, const snapshot::FilterChain* chain) const {
    return route_.get() == route && chain_.get() == chain;
  }
  std::vector<BoundFilter>& filters() { return filters_; }
  /// Whether a filter has a hook after on_request, so that what it leaves there must be kept.
  bool keeps_filter_data() const { return keeps_filter_data_; }
  /// Names that only the filters of this route may set, beside those of all routes; views of plans.
  const std::vector<std::string_view>& identity_headers() const { return identity_headers_; }
  RouteCells& cells() { return *cells_; }
  const upstream::CallOptions& call_options() const { return call_options_; }
  /// The upstreams of `forward`, in order, as they were when the proxy took its snapshot number
  /// `generation`; kept by the proxy (Proxy::target).
  struct Targets {
    std::uint64_t generation = 0;
    std::vector<LocalPtr<upstream::Upstream>> upstreams;
  };
  Targets& targets() { return targets_; }

 private:
  std::shared_ptr<const routing::Route> route_;
  std::shared_ptr<const snapshot::FilterChain> chain_;
  std::vector<BoundFilter> filters_;
  bool keeps_filter_data_ = false;
  std::vector<std::string_view> identity_headers_;
  std::shared_ptr<RouteCells> cells_;
  upstream::CallOptions call_options_;
  Targets targets_;
};

}  // namespace gateway::proxy
