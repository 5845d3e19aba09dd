#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/local_ptr.h"
#include "gateway/config/model.h"
#include "gateway/metrics/registry.h"
#include "gateway/upstream/endpoint_pool.h"
#include "gateway/upstream/endpoint_set.h"
#include "gateway/upstream/picker.h"
#include "gateway/upstream/retry_budget.h"

namespace gateway::upstream {

/// A call that waits until the upstream's bounds let it go on. Unlinks itself when it dies.
class CapacityWaiter : public ListHook<CapacityWaiter> {
 public:
  virtual void on_capacity() = 0;

 protected:
  ~CapacityWaiter() = default;
};

/// One upstream on one worker: its picker, pools, retry budget and queue. Calls and routes pin it
/// by LocalPtr; a reload that leaves the TLS settings alone changes it in place, so that its
/// connections are kept. Not thread-safe.
class Upstream final : public LocalCounted {
 public:
  /// `tls` null: plain. `metrics` null: nobody will see what is counted (tests, health probes).
  Upstream(EventLoop& loop, std::shared_ptr<const config::Upstream> settings,
           std::shared_ptr<net::ClientTlsContext> tls, MetricsShard* metrics);
  ~Upstream() override;

  void configure(std::shared_ptr<const config::Upstream> settings);
  /// The files behind equal TLS settings changed: connections are made with `tls` from now on; idle
  /// ones close, the others after the exchange they are at.
  void renew(std::shared_ptr<net::ClientTlsContext> tls);
  void update(EndpointSetPtr set);
  /// Connections to come are lost when the endpoint's system acknowledges nothing for so long. For
  /// calls that wait in silence; zero, as it begins: the system's own time, many minutes.
  void notice_loss(Duration within) { loss_ = within; }
  Duration loss() const { return loss_; }

  EventLoop& loop() { return loop_; }
  const config::Upstream& settings() const { return *settings_; }
  net::ClientTlsContext* tls() const { return tls_.get(); }
  /// SNI and verified name: configuration only, never what a client sent.
  std::string_view server_name(const Endpoint& endpoint) const;
  UpstreamLoad& load() { return *picker_.set()->load; }
  bool has_endpoints() const { return picker_.set() != nullptr; }
  Picker& picker() { return picker_; }
  RetryBudget& budget() { return budget_; }
  UpstreamCells& cells() { return *cells_; }
  /// Of the picker's current set.
  EndpointPool& pool(std::uint32_t index) {
    EndpointPool* const made = by_index_[index];
    return made != nullptr ? *made : make_pool(index);
  }

  bool somebody_waits() const { return !waiting_.empty(); }
  /// Queues until something falls free; the waiter holds a place under the bound on waiting.
  void wait_for_capacity(CapacityWaiter& waiter);
  void on_capacity() {
    if (!waiting_.empty()) loop_.defer(resume_);
  }
  void on_pool_unused() { loop_.defer(sweep_); }
  /// Makes room for a connection under the bound by closing an idle one of another endpoint.
  bool close_some_idle(const EndpointPool& except);

  /// Totals for /upstreams.
  std::size_t connections() const;
  std::size_t idle_connections() const;

 private:
  void resume_waiting();
  void retire_pools();
  void sweep();
  EndpointPool& make_pool(std::uint32_t index);

  EventLoop& loop_;
  std::shared_ptr<const config::Upstream> settings_;
  std::shared_ptr<net::ClientTlsContext> tls_;
  MetricsShard* metrics_;
  std::shared_ptr<UpstreamCells> cells_;
  Picker picker_;
  RetryBudget budget_;
  Duration loss_{};
  std::unordered_map<const Endpoint*, std::unique_ptr<EndpointPool>> pools_;
  std::vector<std::unique_ptr<EndpointPool>> leaving_;
  std::vector<EndpointPool*> by_index_;  ///< as the picker's current set; null: not needed yet
  IntrusiveList<CapacityWaiter, CapacityWaiter> waiting_;
  Deferred resume_;
  Deferred sweep_;
  Timer poll_;  ///< other workers' places fall free unseen: looked for while somebody waits
};

}  // namespace gateway::upstream
