#pragma once

#include <memory>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"

namespace gateway::net {

/// A bound, listening, non-blocking socket. The control thread makes and owns it; a worker borrows
/// the descriptor. Closing a socket resets what waits in its queue: stop_inviting() first, then
/// empty the queue (Acceptor::drain_and_close).
class ListenSocket {
 public:
  /// One socket per worker on one address (SO_REUSEPORT: the kernel spreads connections). Fails
  /// with address_in_use when anybody else listens there, another gateway included: sharing a port
  /// by accident would send half of the traffic to the wrong process. Port 0 takes a free one for
  /// all. Descriptors passed by a service manager (LISTEN_FDS, sd_listen_fds(3)) for the same
  /// address are used first.
  static Result<std::vector<std::shared_ptr<ListenSocket>>> open(const SocketAddress& address,
                                                                 std::size_t count, int backlog);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  /// Before closing: requests for new connections are not answered any more (whoever sent one asks
  /// again, and is refused once the socket is closed); handshakes under way end as usual and can be
  /// accepted. So nobody whom the kernel welcomed is turned away.
  void stop_inviting();

  int fd() const { return fd_; }
  const SocketAddress& address() const { return address_; }  ///< with the real port

 private:
  explicit ListenSocket(int fd);

  int fd_;
  bool passed_ = false;  ///< by the service manager, which keeps it
  SocketAddress address_;
};

}  // namespace gateway::net
