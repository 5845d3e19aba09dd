#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/downstream/handler.h"
#include "gateway/filter/filter.h"
#include "gateway/metrics/access_log.h"
#include "gateway/metrics/registry.h"
#include "gateway/proxy/bound_route.h"
#include "gateway/snapshot/snapshot.h"
#include "gateway/upstream/upstream.h"

namespace gateway::proxy {

/// The Handler of public listeners, one per worker: holds the worker's view of the snapshot and
/// begins exchanges. Belongs to its worker's thread.
class Proxy final : public downstream::Handler, private filter::WorkerServices {
 public:
  /// Makes the TLS context of an upstream on this worker.
  using TlsFactory = std::function<Result<std::shared_ptr<net::ClientTlsContext>>(
      const config::UpstreamTls& settings, const net::ClientTlsFiles& files)>;
  /// TLS contexts that a snapshot needs and that are not in use yet, by upstream.
  using FreshTls = std::map<std::string_view, std::shared_ptr<net::ClientTlsContext>>;

  /// `access_log` may be null.
  Proxy(EventLoop& loop, MetricsShard& metrics, AccessLogShard* access_log, TlsFactory tls);
  ~Proxy() override;

  /// Whatever can fail of a swap to `snapshot`, which outlives the result. Changes nothing.
  Result<FreshTls> prepare(const snapshot::Snapshot& snapshot);
  /// Between two events: the next request sees the new snapshot; exchanges under way keep their
  /// route. Upstreams with equal TLS settings keep their connections; where only the files behind
  /// them changed, those that are in use go on until they are idle.
  void swap(std::shared_ptr<const snapshot::Snapshot> snapshot, FreshTls fresh);
  void update_endpoints(const upstream::EndpointSetPtr& set);
  /// An answer to every request until the first snapshot is there.
  bool ready() const { return snapshot_ != nullptr; }

  std::unique_ptr<downstream::Exchange> begin(downstream::Stream& stream) override;
  void on_refused(const downstream::ConnectionFacts& connection, const Error& error) override;

  // For exchanges.
  const snapshot::Snapshot* snapshot() const { return snapshot_.get(); }
  LocalPtr<BoundRoute> bind(const routing::Route& route);
  /// The upstream of the route's target at `index`; names are looked up once per snapshot.
  LocalPtr<upstream::Upstream> target(BoundRoute& route, std::size_t index);
  MetricsShard& metrics() override { return metrics_; }
  AccessLogShard* access_log() { return access_log_; }
  EventLoop& loop() override { return loop_; }

 private:
  LocalPtr<upstream::Upstream> find_upstream(std::string_view name);
  upstream::Upstream* upstream(std::string_view name) override;
  std::shared_ptr<void>& state_slot(const std::string& key) override;
  LocalPtr<upstream::Upstream> make_upstream(std::shared_ptr<const config::Upstream> settings,
                                             std::shared_ptr<net::ClientTlsContext> tls);
  void take_upstreams(const snapshot::Snapshot& snapshot, FreshTls fresh);
  void keep_bound_routes(const snapshot::Snapshot& next);

  EventLoop& loop_;
  MetricsShard& metrics_;
  AccessLogShard* access_log_;
  TlsFactory make_tls_;
  std::shared_ptr<const snapshot::Snapshot> snapshot_;
  std::uint64_t generation_ = 0;  ///< counts the snapshots taken
  /// By routing::Route::index, made at a route's first request: a swap among 10,000 routes binds
  /// none.
  std::vector<LocalPtr<BoundRoute>> bound_;
  /// Those with TLS, whose context was made with the snapshot, and of the others those that were
  /// asked for: of a thousand a worker may speak to few.
  std::map<std::string, LocalPtr<upstream::Upstream>, std::less<>> upstreams_;
  std::map<std::string, upstream::EndpointSetPtr, std::less<>> endpoint_sets_;
  std::map<std::string, std::shared_ptr<void>, std::less<>> states_;
};

}  // namespace gateway::proxy
