#include "gateway/net/socket_transport.h"

namespace gateway::net {
namespace {

/// Bytes as they are.
class TcpTransport final : public SocketTransport {
 public:
  using SocketTransport::SocketTransport;
  ~TcpTransport() override { close(); }

  void accept(std::string_view early) { start_accepted(early); }
  void connect(Duration timeout) { start_connecting(timeout); }

  void write(std::span<const iovec> pieces) override { send(pieces); }
  const TlsFacts& facts() const override {
    static const TlsFacts kPlain;
    return kPlain;
  }

 private:
  void on_connected() override { tell_open(); }
  void on_received(std::string_view bytes) override { deliver(bytes); }
  void on_end_of_stream() override { tell_eof(); }
  std::span<char> receive_buffer() override { return {io().plain(), IoBuffers::kPlain}; }
};

}  // namespace

std::unique_ptr<Transport> make_tcp_transport(EventLoop& loop, int fd, const SocketAddress& peer,
                                              const SocketAddress& local, TransportOwner& owner,
                                              std::string_view early) {
  auto transport = std::make_unique<TcpTransport>(loop, fd, peer, local, owner);
  transport->accept(early);
  return transport;
}

std::unique_ptr<Transport> connect_tcp(EventLoop& loop, const SocketAddress& peer, Duration timeout,
                                       TransportOwner& owner) {
  auto transport = std::make_unique<TcpTransport>(loop, -1, peer, SocketAddress(), owner);
  transport->connect(timeout);
  return transport;
}

}  // namespace gateway::net
