#include "gateway/server/local_listener.h"

#include "gateway/downstream/server_connection.h"

namespace gateway::server {

LocalListener::LocalListener(EventLoop& loop, const config::Listener& model,
                             downstream::Handler& handler,
                             std::vector<std::shared_ptr<net::ListenSocket>> sockets,
                             std::unique_ptr<net::ServerTlsContext> tls)
    : loop_(loop), sockets_(std::move(sockets)), tls_(std::move(tls)) {
  state_.configure(model);
  state_.handler = &handler;
  for (const auto& socket : sockets_) {
    acceptors_.push_back(std::make_unique<net::Acceptor>(
        loop_, socket->fd(), [this](net::AcceptedConnection& accepted) {
          downstream::ServerConnection::accept(loop_, state_, accepted.fd, accepted.peer,
                                               accepted.local, accepted.from_proxy_protocol,
                                               tls_.get(), accepted.early);
        }));
    acceptors_.back()->configure(model);
  }
}

Result<void> LocalListener::open(EventLoop& loop, std::string name, const SocketAddress& address,
                                 downstream::Handler& handler,
                                 std::unique_ptr<LocalListener>& opened) {
  config::Listener model;
  model.name = std::move(name);
  auto sockets = net::ListenSocket::open(address, 1, static_cast<int>(model.backlog));
  if (!sockets) return tl::make_unexpected(sockets.error());
  opened = std::make_unique<LocalListener>(loop, model, handler, std::move(*sockets), nullptr);
  return {};
}

LocalListener::~LocalListener() { state_.close_all(); }

void LocalListener::drain() {
  for (auto& acceptor : acceptors_) acceptor->drain_and_close();
  acceptors_.clear();
  sockets_.clear();
  state_.drain();
}

}  // namespace gateway::server
