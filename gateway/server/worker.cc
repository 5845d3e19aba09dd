#include "gateway/server/worker.h"

#include <pthread.h>

#include <algorithm>
#include <array>

#include "gateway/downstream/server_connection.h"
#include "gateway/net/tls_client.h"

namespace gateway::server {
namespace {

constexpr std::array<std::string_view, 1> kAlpn = {"http/1.1"};
constexpr Duration kDrainPoll = std::chrono::milliseconds(20);

}  // namespace

Worker::Worker(std::size_t index, MetricsShard& metrics, AccessLogShard* access_log)
    : index_(index),
      metrics_(metrics),
      drain_poll_(Callback<>::bind<&Worker::look_if_drained>(this)) {
  auto tls_factory =
      [this](
          const config::UpstreamTls& settings) -> Result<std::shared_ptr<net::ClientTlsContext>> {
    auto made = net::ClientTlsContext::make(tls_library_, settings);
    if (!made) return tl::make_unexpected(made.error());
    return std::shared_ptr<net::ClientTlsContext>(std::move(*made));
  };
  proxy_ = std::make_unique<proxy::Proxy>(loop_, metrics, access_log, std::move(tls_factory));
}

Worker::~Worker() { GATEWAY_CHECK(!thread_.joinable()); }

void Worker::start(int cpu) {
  thread_ = std::thread([this] {
    loop_.run();
    // Whatever is left dies on the thread that made it: free lists and OpenSSL belong to it.
    drained_ = nullptr;
    drain_poll_.cancel();
    for (auto& [name, listener] : listeners_) remove_listener(*listener);
    for (auto& listener : removed_) listener->state.close_all();
    loop_.run_once(Duration::zero());
    listeners_.clear();
    removed_.clear();
    proxy_.reset();
    loop_.run_once(Duration::zero());
  });
  const std::string name = "worker-" + std::to_string(index_);
  pthread_setname_np(thread_.native_handle(), name.c_str());
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(thread_.native_handle(), sizeof set, &set);
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::stop() { loop_.stop(); }

void Worker::apply(WorkerUpdate update, std::function<void(Result<void>)> done) {
  loop_.post([this, update = std::move(update), done = std::move(done)] { done(take(update)); });
}

void Worker::publish(upstream::EndpointSetPtr set) {
  loop_.post([this, set = std::move(set)] { proxy_->update_endpoints(set); });
}

Result<std::unique_ptr<net::ServerTlsContext>> Worker::make_tls(const ListenerPlan& plan) {
  if (!plan.certificates) return nullptr;
  return net::ServerTlsContext::make(tls_library_, *plan.model.tls, plan.model.name,
                                     plan.certificates, plan.tickets, kAlpn);
}

Result<void> Worker::take(const WorkerUpdate& update) {
  for (const upstream::EndpointSetPtr& set : update.endpoint_sets) proxy_->update_endpoints(set);
  if (auto swapped = proxy_->swap(update.snapshot); !swapped) return swapped;
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const bool stays = std::any_of(update.listeners.begin(), update.listeners.end(),
                                   [&](const auto& plan) { return plan.model.name == it->first; });
    if (stays) {
      ++it;
      continue;
    }
    remove_listener(*it->second);
    removed_.push_back(std::move(it->second));
    it = listeners_.erase(it);
  }
  for (const ListenerPlan& plan : update.listeners)
    if (auto taken = take_listener(plan); !taken) return taken;
  sweep_removed();
  return {};
}

Result<void> Worker::take_listener(const ListenerPlan& plan) {
  std::unique_ptr<Listener>& slot = listeners_[plan.model.name];
  const bool fresh = slot == nullptr;
  if (fresh) slot = std::make_unique<Listener>(nullptr);
  Listener& listener = *slot;
  // Certificates alone change without a new context: sessions and settings stay.
  if (!fresh && listener.tls && plan.certificates && listener.model.tls == plan.model.tls) {
    if (listener.certificates != plan.certificates) listener.tls->use(plan.certificates);
  } else {
    auto tls = make_tls(plan);
    if (!tls) return tl::make_unexpected(tls.error());
    listener.tls = std::move(*tls);
  }
  listener.certificates = plan.certificates;
  listener.state.configure(plan.model);
  listener.state.index = plan.index;
  listener.state.handler = proxy_.get();
  listener.open_connections = plan.open_connections;
  listener.state.open_connections = plan.open_connections.get();
  if (fresh) listener.cells = metrics_.listener(plan.model.name);
  listener.state.cells = listener.cells.get();
  listener.state.process = &metrics_.process();
  const bool same_sockets = listener.sockets == plan.sockets;
  listener.model = plan.model;
  if (!same_sockets || fresh) open_acceptors(listener, plan);
  for (auto& acceptor : listener.acceptors) {
    acceptor->configure(plan.model, plan.open_connections.get());
    acceptor->count_refused_in(&listener.cells->refused);
  }
  return {};
}

void Worker::open_acceptors(Listener& listener, const ListenerPlan& plan) {
  std::vector<std::unique_ptr<net::Acceptor>> kept;
  for (const int socket : plan.sockets) {
    const auto found = std::find(listener.sockets.begin(), listener.sockets.end(), socket);
    const auto position = static_cast<std::size_t>(found - listener.sockets.begin());
    if (found != listener.sockets.end() && listener.acceptors[position]) {
      kept.push_back(std::move(listener.acceptors[position]));
      continue;
    }
    kept.push_back(std::make_unique<net::Acceptor>(
        loop_, socket, [this, &listener](net::AcceptedConnection& accepted) {
          downstream::ServerConnection::accept(loop_, listener.state, accepted.fd, accepted.peer,
                                               accepted.local, accepted.from_proxy_protocol,
                                               listener.tls.get(), accepted.early);
        }));
  }
  for (auto& gone : listener.acceptors)
    if (gone) gone->drain_and_close();
  listener.acceptors = std::move(kept);
  listener.sockets = plan.sockets;
}

void Worker::remove_listener(Listener& listener) {
  for (auto& acceptor : listener.acceptors) acceptor->drain_and_close();
  listener.acceptors.clear();
  listener.sockets.clear();
  listener.state.drain();
}

void Worker::sweep_removed() {
  std::erase_if(removed_, [](const auto& gone) { return gone->state.connections.empty(); });
}

void Worker::announce_drain() {
  loop_.post([this] {
    for (auto& [name, listener] : listeners_) listener->state.draining = true;
  });
}

void Worker::drain(std::function<void()> stopped, std::function<void()> drained) {
  loop_.post([this, stopped = std::move(stopped), drained = std::move(drained)] {
    drained_ = drained;
    for (auto& [name, listener] : listeners_) remove_listener(*listener);
    stopped();
    look_if_drained();
  });
}

void Worker::look_if_drained() {
  const auto empty = [](const auto& listener) { return listener->state.connections.empty(); };
  const bool done = std::all_of(listeners_.begin(), listeners_.end(),
                                [&](const auto& entry) { return empty(entry.second); }) &&
                    std::all_of(removed_.begin(), removed_.end(), empty);
  if (!done) return drain_poll_.arm(loop_.timers(), kDrainPoll);
  if (drained_) drained_();
  drained_ = nullptr;
}

}  // namespace gateway::server
