#pragma once

#include <memory>
#include <string>

#include "gateway/base/intrusive_list.h"
#include "gateway/metrics/cells.h"
#include "gateway/upstream/client_connection.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream {

class Upstream;

/// Waits for a stream slot on one endpoint. Unlinks itself when it dies.
class PoolWaiter : public ListHook<PoolWaiter> {
 public:
  /// The connection is idle: open a stream on it now.
  virtual void on_connection(ClientConnection& connection) = 0;
  virtual void on_no_connection(const Error& error) = 0;
  /// None will come, and the bound on connections allows no other: choose and wait anew.
  virtual void on_no_place() = 0;

 protected:
  ~PoolWaiter() = default;
};

/// The connections of one worker to one endpoint of one upstream; the most recently used goes out
/// first, so that the rest may age and close. Pools of different TLS settings are different
/// objects: they belong to different Upstreams. Kept while any connection or waiter is left, also
/// when the endpoint has gone from the set.
class EndpointPool {
 public:
  EndpointPool(EventLoop& loop, Upstream& upstream, std::shared_ptr<Endpoint> endpoint,
               std::shared_ptr<EndpointCells> cells);
  ~EndpointPool();

  Endpoint& endpoint() const { return *endpoint_; }
  EndpointCells& cells() const { return *cells_; }
  /// Null when none is idle.
  ClientConnection* take_idle();
  /// Queues and connects; false when the upstream's bound on connections is reached and no
  /// connection is on its way that could serve the waiter (nothing is queued then).
  bool connect_for(PoolWaiter& waiter);
  /// The endpoint left the set: nothing new; idle connections close.
  void retire();
  /// Every connection, also those that are being made. None may carry a stream.
  void close_all();
  bool retired() const { return retired_; }
  bool unused() const { return connections_ == 0 && waiters_.empty(); }
  std::size_t connections() const { return connections_; }
  std::size_t idle_count() const { return idle_count_; }
  /// To make room under the bound for another endpoint. False when none is idle.
  bool close_one_idle();

  // From connections.
  void on_connection_open(ClientConnection& connection);
  void on_connection_idle(ClientConnection& connection);
  void on_connection_closed(ClientConnection& connection);
  void on_connect_failed(const Error& error);

 private:
  void serve(ClientConnection& connection);
  void start_connection(Place place);
  bool more_wait_than_connect() const;
  void on_connection_lost();
  void count_idle(int change);

  EventLoop& loop_;
  Upstream& upstream_;
  std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<EndpointCells> cells_;
  IntrusiveList<ClientConnection, ClientConnection> idle_;
  IntrusiveList<ClientConnection, ClientConnection> busy_;  ///< connecting ones too
  IntrusiveList<PoolWaiter, PoolWaiter> waiters_;
  Deferred lost_;  ///< a connection closed while somebody waits
  std::size_t connecting_ = 0;
  std::size_t connections_ = 0;
  std::size_t idle_count_ = 0;
  bool retired_ = false;
};

}  // namespace gateway::upstream
