#include "gateway/upstream/endpoint_pool.h"

#include "gateway/upstream/upstream.h"

namespace gateway::upstream {

EndpointPool::EndpointPool(EventLoop& loop, Upstream& upstream, std::shared_ptr<Endpoint> endpoint,
                           std::shared_ptr<EndpointCells> cells)
    : loop_(loop),
      upstream_(upstream),
      endpoint_(std::move(endpoint)),
      cells_(std::move(cells)),
      lost_(Callback<>::bind<&EndpointPool::on_connection_lost>(this)) {}

EndpointPool::~EndpointPool() { GATEWAY_CHECK(connections_ == 0); }

ClientConnection* EndpointPool::take_idle() {
  ClientConnection* connection = idle_.pop_front();
  if (connection == nullptr) return nullptr;
  connection->in_idle_list_ = false;
  count_idle(-1);
  busy_.push_back(*connection);
  return connection;
}

bool EndpointPool::connect_for(PoolWaiter& waiter) {
  Place place = Place::take(upstream_.load().connections, upstream_.settings().limits.connections);
  if (!place) {
    if (connecting_ == 0) return false;
    waiters_.push_back(waiter);  // whichever connection opens or falls free first serves it
    return true;
  }
  waiters_.push_back(waiter);
  start_connection(std::move(place));
  return true;
}

void EndpointPool::start_connection(Place place) {
  const config::Upstream& settings = upstream_.settings();
  auto* connection = new ClientConnection(loop_, *this, std::move(place));
  ++connections_;
  ++connecting_;
  upstream_.cells().connections.add();
  busy_.push_back(*connection);
  connection->connect(settings.timeouts.connect, upstream_.tls(),
                      upstream_.server_name(*endpoint_));
  if (upstream_.loss() > Duration::zero()) connection->notice_loss(upstream_.loss());
}

void EndpointPool::retire() {
  retired_ = true;
  while (close_one_idle()) {
  }
}

void EndpointPool::close_all() {
  retire();
  while (ClientConnection* connection = busy_.front()) connection->close();
}

bool EndpointPool::close_one_idle() {
  ClientConnection* connection = idle_.back();
  if (connection == nullptr) return false;
  connection->close();
  return true;
}

void EndpointPool::count_idle(int change) {
  idle_count_ += static_cast<std::size_t>(change);
  upstream_.cells().connections_idle.add(change);
}

void EndpointPool::serve(ClientConnection& connection) {
  if (PoolWaiter* waiter = waiters_.pop_front()) return waiter->on_connection(connection);
  const config::Upstream& settings = upstream_.settings();
  if (retired_ || idle_count_ >= settings.max_idle_connections) return connection.close();
  static_cast<ListHook<ClientConnection>&>(connection).unlink();
  idle_.push_front(connection);
  connection.in_idle_list_ = true;
  count_idle(1);
  connection.start_idle(settings.timeouts.idle);
  upstream_.on_capacity();
}

void EndpointPool::on_connection_open(ClientConnection& connection) {
  --connecting_;
  endpoint_->set_accepts_connections(true);
  upstream_.cells().connects.add();
  if (upstream_.tls() != nullptr) upstream_.cells().tls_handshakes.add();
  serve(connection);
}

void EndpointPool::on_connection_idle(ClientConnection& connection) { serve(connection); }

void EndpointPool::on_connection_closed(ClientConnection& connection) {
  --connections_;
  upstream_.cells().connections.sub();
  if (!connection.open()) --connecting_;
  if (connection.in_idle_list_) {
    connection.in_idle_list_ = false;
    count_idle(-1);
  }
  upstream_.on_capacity();
  if (!waiters_.empty()) loop_.defer(lost_);
  if (retired_ && unused()) upstream_.on_pool_unused();
}

bool EndpointPool::more_wait_than_connect() const {
  const PoolWaiter* waiter = waiters_.front();
  for (std::size_t i = 0; waiter != nullptr && i < connecting_; ++i)
    waiter = waiters_.next(*waiter);
  return waiter != nullptr;
}

// Under a bound on connections waiters count on those of others: where one is gone they get another
// or, when the bound does not allow it and none is left, go back to the upstream's queue.
void EndpointPool::on_connection_lost() {
  const std::uint32_t most = upstream_.settings().limits.connections;
  while (!retired_ && more_wait_than_connect()) {
    Place place = Place::take(upstream_.load().connections, most);
    if (!place) break;
    start_connection(std::move(place));
  }
  if (connections_ != 0) return;
  IntrusiveList<PoolWaiter, PoolWaiter> orphans;
  orphans.take(waiters_);
  while (PoolWaiter* waiter = orphans.pop_front()) waiter->on_no_place();
  if (retired_ && unused()) upstream_.on_pool_unused();
}

// One connection that could not be made fails one waiter, so that each failure is one attempt's.
void EndpointPool::on_connect_failed(const Error& error) {
  upstream_.cells().connect_failures.add();
  if (error.code != ErrorCode::resource_exhausted) cells_->connect_failures.add();
  if (PoolWaiter* waiter = waiters_.pop_front()) waiter->on_no_connection(error);
}

}  // namespace gateway::upstream
