#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/downstream/listener_state.h"
#include "gateway/metrics/access_log.h"
#include "gateway/metrics/registry.h"
#include "gateway/net/acceptor.h"
#include "gateway/net/certificate_set.h"
#include "gateway/net/ticket_keys.h"
#include "gateway/net/tls_library.h"
#include "gateway/net/tls_server.h"
#include "gateway/proxy/proxy.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/snapshot/snapshot.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::server {

/// A listener as a worker needs it. Sockets are borrowed from the control thread, which keeps them
/// open until every worker has let go.
struct ListenerPlan {
  config::Listener model;
  std::uint32_t index = 0;   ///< position in the model: what routes know it by
  std::vector<int> sockets;  ///< this worker's, one per address
  std::shared_ptr<const net::CertificateSet> certificates;  ///< null: plain
  std::shared_ptr<const net::TicketKeys> tickets;
  std::shared_ptr<std::atomic<std::uint32_t>> open_connections;
};

/// Everything a worker swaps to between two events.
struct WorkerUpdate {
  std::shared_ptr<const snapshot::Snapshot> snapshot;
  std::vector<ListenerPlan> listeners;
  std::vector<upstream::EndpointSetPtr> endpoint_sets;
};

/// One thread, one loop, sharing nothing: accepts, serves and forwards. Public functions may be
/// called from the control thread; all work happens on the worker's own.
class Worker {
 public:
  Worker(std::size_t index, MetricsShard& metrics, AccessLogShard* access_log);
  ~Worker();

  /// `cpu` below 0: not pinned.
  void start(int cpu);
  /// After `stop`.
  void join();
  /// `done` runs on the worker's thread when the update is in force, or could not be taken (then
  /// the old one stays).
  void apply(WorkerUpdate update, std::function<void(Result<void>)> done);
  void publish(upstream::EndpointSetPtr set);
  /// Answers say `Connection: close` from now on; accepting goes on.
  void announce_drain();
  /// Takes what waits in the accept queues and stops accepting (`stopped` runs then: the sockets
  /// may be closed), closes idle connections; `drained` runs when no connection is left. Both run
  /// on the worker's thread.
  void drain(std::function<void()> stopped, std::function<void()> drained);
  /// Closes everything and ends the thread.
  void stop();

  EventLoop& loop() { return loop_; }

 private:
  struct Listener {
    explicit Listener(net::ServerTlsContext* context) : tls(context) {}
    downstream::ListenerState state;
    std::unique_ptr<net::ServerTlsContext> tls;
    std::shared_ptr<const net::CertificateSet> certificates;
    config::Listener model;
    std::vector<int> sockets;
    std::vector<std::unique_ptr<net::Acceptor>> acceptors;
    std::shared_ptr<std::atomic<std::uint32_t>> open_connections;
    std::shared_ptr<ListenerCells> cells;
  };
  using Listeners = std::map<std::string, std::unique_ptr<Listener>, std::less<>>;

  Result<void> take(const WorkerUpdate& update);
  Result<std::unique_ptr<net::ServerTlsContext>> make_tls(const ListenerPlan& plan);
  Result<void> take_listener(const ListenerPlan& plan);
  void open_acceptors(Listener& listener, const ListenerPlan& plan);
  void remove_listener(Listener& listener);
  void look_if_drained();
  void sweep_removed();

  const std::size_t index_;
  MetricsShard& metrics_;
  EventLoop loop_;
  net::TlsLibrary tls_library_;
  std::unique_ptr<proxy::Proxy> proxy_;
  Listeners listeners_;
  std::vector<std::unique_ptr<Listener>> removed_;  ///< until their last connection is gone
  std::function<void()> drained_;
  Timer drain_poll_;
  std::thread thread_;
};

}  // namespace gateway::server
