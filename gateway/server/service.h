#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/downstream/handler.h"
#include "gateway/net/certificate_files.h"
#include "gateway/net/certificate_set.h"
#include "gateway/net/ticket_keys.h"
#include "gateway/net/tls_library.h"
#include "gateway/net/tls_server.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/signals.h"
#include "gateway/server/local_listener.h"

namespace gateway::server {

/// A small HTTP service on the gateway's own server library: N threads that share a port, graceful
/// end on SIGTERM (readiness off, answers say `Connection: close`, then the accept queues are
/// emptied and what is open may finish), a second SIGTERM ends at once. Certificates are read again
/// when their files change, as is the authority of clients; a pair that does not match yet, or a
/// bundle without a certificate, leaves the old one in use.
class Service {
 public:
  struct Options {
    config::Listener listener;  ///< addresses, and TLS with client certificates if wanted
    /// Without TLS, on the control thread, until the process ends: who asks after readiness is to
    /// hear of the drain too.
    std::optional<config::Listener> probes;
    std::size_t threads = 1;
    config::Drain drain{std::chrono::seconds(0), std::chrono::seconds(10)};
  };
  /// Makes the handler of one thread, on the control thread, before it starts.
  using MakeHandler = std::function<std::unique_ptr<downstream::Handler>(EventLoop& loop)>;

  explicit Service(Options options);
  ~Service();

  /// Binds; after it the port is taken.
  Result<void> open();
  /// Serves until a signal ends it; returns the exit status. `probes` answers the listener of that
  /// name, if there is one, and outlives the service.
  int run(const MakeHandler& make_handler, downstream::Handler* probes = nullptr);

  /// For /readyz; any thread.
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  EventLoop& loop() { return loop_; }
  /// In use; null without TLS. Control thread.
  const net::CertificateSet* certificates() const { return certificates_.get(); }
  /// What was bound, with the real port.
  const std::vector<SocketAddress>& addresses() const { return bound_; }

 private:
  struct Thread;
  void on_signal(int number);
  void begin_closing();
  Result<void> load_certificates();
  Result<std::unique_ptr<net::ServerTlsContext>> make_context(
      net::TlsLibrary& library, std::shared_ptr<const net::CertificateSet> certificates) const;
  Result<void> make_threads(const MakeHandler& make_handler);
  std::vector<std::string> tls_files() const;
  net::Digest client_ca_digest() const;
  void renew_tls();
  void renew_certificates();
  void renew_client_ca();
  void renew_client_ca_again();

  Options options_;
  EventLoop loop_;
  net::CertificateStore store_;
  net::LoadedPairs pairs_;
  std::shared_ptr<const net::CertificateSet> certificates_;
  net::Digest client_ca_{};  ///< of the bundle in use
  std::shared_ptr<net::TicketKeys> tickets_ = std::make_shared<net::TicketKeys>();
  std::vector<std::vector<std::shared_ptr<net::ListenSocket>>> sockets_;  ///< by address, by thread
  std::vector<std::shared_ptr<net::ListenSocket>> probe_sockets_;
  std::vector<SocketAddress> bound_;
  std::unique_ptr<LocalListener> probes_;
  std::vector<std::unique_ptr<Thread>> threads_;
  Timer timer_;
  std::atomic<bool> draining_{false};
  bool closing_ = false;
  std::size_t busy_ = 0;
};

}  // namespace gateway::server
