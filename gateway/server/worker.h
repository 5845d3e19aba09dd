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
#include "gateway/net/certificate.h"
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
  net::Digest client_ca{};                                  ///< of what the file holds
  std::shared_ptr<const net::TicketKeys> tickets;
  std::shared_ptr<std::atomic<std::uint32_t>> open_connections;
};

/// Everything a worker swaps to between two events.
struct WorkerUpdate {
  std::shared_ptr<const snapshot::Snapshot> snapshot;
  std::vector<ListenerPlan> listeners;
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
  /// An update is taken in two steps, so that either all workers change or none does. `prepare`
  /// does whatever can fail and changes nothing; a later one replaces it. `done` runs on the
  /// worker's thread.
  void prepare(WorkerUpdate update, std::function<void(Result<void>)> done);
  /// Listeners that are not in what was prepared say `Connection: close` from now on.
  void announce_removals();
  /// Puts in force what was prepared last; takes what waits in the queues of sockets that it no
  /// longer names. `done` runs on the worker's thread: they may be closed then.
  void commit(std::function<void()> done);
  /// Forgets what was prepared.
  void abandon();
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
    std::shared_ptr<const net::ClientAuthorities> authorities;
    net::Digest client_ca{};
    config::Listener model;
    std::vector<int> sockets;
    std::vector<std::unique_ptr<net::Acceptor>> acceptors;
    std::vector<std::unique_ptr<net::Acceptor>> leaving;  ///< closed, but for PROXY greetings

    void sweep();
    bool unused();
    std::shared_ptr<std::atomic<std::uint32_t>> open_connections;
    std::shared_ptr<ListenerCells> cells;
  };
  using Listeners = std::map<std::string, std::unique_ptr<Listener>, std::less<>>;

  /// What was prepared and waits to be put in force.
  struct Staged {
    WorkerUpdate update;
    proxy::Proxy::FreshTls client_tls;
    /// By listener; those that are not here keep what they have.
    std::map<std::string_view, std::unique_ptr<net::ServerTlsContext>> server_tls;
  };

  Result<std::unique_ptr<Staged>> stage(WorkerUpdate update);
  bool keeps_tls(const ListenerPlan& plan) const;
  void take(Staged& staged);
  void remove_missing(const std::vector<ListenerPlan>& plans);
  void take_listener(const ListenerPlan& plan, Staged& staged);
  void open_acceptors(Listener& listener, const ListenerPlan& plan);
  static void leave_sockets(Listener& listener, const std::vector<ListenerPlan>& plans);
  static void retire(Listener& listener);
  void look_if_drained();
  void sweep_removed();

  const std::size_t index_;
  MetricsShard& metrics_;
  EventLoop loop_;
  net::TlsLibrary tls_library_;
  std::unique_ptr<proxy::Proxy> proxy_;
  Listeners listeners_;
  std::vector<std::unique_ptr<Listener>> removed_;  ///< until their last connection is gone
  std::unique_ptr<Staged> staged_;
  std::function<void()> drained_;
  Timer drain_poll_;
  std::thread thread_;
};

}  // namespace gateway::server
