#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/config/model.h"
#include "gateway/metrics/cell.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/fd_watcher.h"
#include "gateway/runtime/timer.h"

namespace gateway::net {

/// A connection as accepted; the receiver owns the descriptor (non-blocking, close-on-exec).
struct AcceptedConnection {
  int fd = -1;
  SocketAddress peer;  ///< as the PROXY protocol says, where it is spoken
  SocketAddress local;
  bool from_proxy_protocol = false;
  std::string early;  ///< bytes read behind the PROXY header
};

/// Accepts on one borrowed listening socket, on one loop. A wake-up takes a bounded number, so that
/// a flood of connections does not starve those that are open. Without descriptors it rests for a
/// moment instead of spinning. Peers in the PROXY protocol's ranges must send its header first;
/// those outside must not, and theirs is read as any bytes are.
class Acceptor {
 public:
  using Accepted = std::function<void(AcceptedConnection&)>;

  Acceptor(EventLoop& loop, int socket, Accepted accepted);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Ranges and limits, also while running. `open`, if not null, is the process-wide number of open
  /// connections that max_connections bounds.
  void configure(const config::Listener& listener,
                 const std::atomic<std::uint32_t>* open = nullptr);
  /// Takes whatever waits in the kernel's queue, then stops. Those whose PROXY header is still
  /// arriving are handed over later, within a few seconds, if the acceptor lives until then.
  void drain_and_close();
  /// Stops and leaves the queue to whoever watches the socket next.
  void close();
  bool awaits_greetings() const { return !greetings_.empty(); }
  /// Connections closed unserved: over the limit, or without the PROXY header that they owe us.
  /// Counted in `cell`, if one is given.
  void count_refused_in(Counter* cell) { refused_cell_ = cell; }
  std::uint64_t refused() const { return refused_; }

 private:
  class Greeting;

  void on_events(int events);
  bool accept_one();
  void count_refused();
  void hand_over(int fd, const SocketAddress& peer);
  void rest();
  void on_rested();

  EventLoop& loop_;
  const int socket_;
  Accepted accepted_;
  FdWatcher watcher_;
  Timer rest_timer_;
  SocketAddress local_;
  bool local_is_any_ = false;
  std::vector<Cidr> proxy_protocol_from_;
  std::uint32_t max_connections_ = 0;
  const std::atomic<std::uint32_t>* open_ = nullptr;
  std::uint64_t refused_ = 0;
  Counter* refused_cell_ = nullptr;
  IntrusiveList<Greeting, Greeting> greetings_;
};

}  // namespace gateway::net
