#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/downstream/listener_state.h"
#include "gateway/net/acceptor.h"
#include "gateway/net/listen_socket.h"
#include "gateway/net/tls_library.h"
#include "gateway/net/tls_server.h"

namespace gateway::server {

/// One listener served on one loop by one handler: the admin pages, and each thread of a service.
/// For the gateway's public listeners see Worker, which changes them while they run.
class LocalListener {
 public:
  /// `handler`, `loop` and `library` outlive it. `tls` may be null.
  LocalListener(EventLoop& loop, const config::Listener& model, downstream::Handler& handler,
                std::vector<std::shared_ptr<net::ListenSocket>> sockets,
                std::unique_ptr<net::ServerTlsContext> tls);
  /// Binds a plain one with the usual settings.
  static Result<void> open(EventLoop& loop, std::string name, const SocketAddress& address,
                           downstream::Handler& handler, std::unique_ptr<LocalListener>& opened);
  ~LocalListener();
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

  downstream::ListenerState& state() { return state_; }
  /// For the handshakes that begin from now on; the listener must have TLS.
  void use(std::shared_ptr<const net::CertificateSet> certificates) {
    tls_->use(std::move(certificates));
  }
  /// Takes the place of the TLS settings, client authorities included, in the same way.
  void use(std::unique_ptr<net::ServerTlsContext> tls) { tls_ = std::move(tls); }
  /// Empties the accept queue and stops accepting; what is idle closes.
  void drain();
  bool idle() const { return state_.connections.empty(); }
  SocketAddress address() const { return sockets_.front()->address(); }

 private:
  EventLoop& loop_;
  downstream::ListenerState state_;
  std::vector<std::shared_ptr<net::ListenSocket>> sockets_;
  std::unique_ptr<net::ServerTlsContext> tls_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
};

}  // namespace gateway::server
