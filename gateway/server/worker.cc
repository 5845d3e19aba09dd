#include "gateway/server/worker.h"

#include <pthread.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/downstream/server_connection.h"
#include "gateway/http/alpn.h"
#include "gateway/net/tls_client.h"

namespace gateway::server {
namespace {

constexpr Duration kDrainPoll = std::chrono::milliseconds(20);

const ListenerPlan* find_plan(const std::vector<ListenerPlan>& plans, std::string_view name) {
  for (const ListenerPlan& plan : plans)
    if (plan.model.name == name) return &plan;
  return nullptr;
}

}  // namespace

Worker::Worker(std::size_t index, MetricsShard& metrics, AccessLogShard* access_log)
    : index_(index),
      metrics_(metrics),
      drain_poll_(Callback<>::bind<&Worker::look_if_drained>(this)) {
  auto tls_factory =
      [this](const config::UpstreamTls& settings,
             const net::ClientTlsFiles& files) -> Result<std::shared_ptr<net::ClientTlsContext>> {
    auto made = net::ClientTlsContext::make(tls_library_, settings, files);
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
    staged_.reset();
    for (auto& [name, listener] : listeners_) {
      retire(*listener);
      listener->state.close_all();
    }
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

void Worker::prepare(WorkerUpdate update, std::function<void(Result<void>)> done) {
  loop_.post([this, update = std::move(update), done = std::move(done)]() mutable {
    auto staged = stage(std::move(update));
    if (!staged) return done(tl::make_unexpected(staged.error()));
    staged_ = std::move(*staged);
    done({});
  });
}

void Worker::commit(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    GATEWAY_CHECK(staged_ != nullptr);
    const auto staged = std::move(staged_);
    take(*staged);
    done();
  });
}

void Worker::abandon() {
  loop_.post([this] { staged_.reset(); });
}

void Worker::announce_removals() {
  loop_.post([this] {
    for (auto& [name, listener] : listeners_)
      if (find_plan(staged_->update.listeners, name) == nullptr) listener->state.draining = true;
  });
}

void Worker::publish(upstream::EndpointSetPtr set) {
  loop_.post([this, set = std::move(set)] { proxy_->update_endpoints(set); });
}

Result<std::unique_ptr<Worker::Staged>> Worker::stage(WorkerUpdate update) {
  auto staged = std::make_unique<Staged>();
  staged->update = std::move(update);
  auto client_tls = proxy_->prepare(*staged->update.snapshot);
  if (!client_tls) return tl::make_unexpected(client_tls.error());
  staged->client_tls = std::move(*client_tls);
  for (const ListenerPlan& plan : staged->update.listeners) {
    if (!plan.certificates || keeps_tls(plan)) continue;
    auto made = net::ServerTlsContext::make(tls_library_, *plan.model.tls, plan.model.name,
                                            plan.certificates, plan.tickets, http::kAlpn);
    if (!made) return tl::make_unexpected(made.error());
    staged->server_tls.emplace(plan.model.name, std::move(*made));
  }
  return staged;
}

// Certificates alone change without a new context: sessions and settings stay.
bool Worker::keeps_tls(const ListenerPlan& plan) const {
  const auto known = listeners_.find(plan.model.name);
  return known != listeners_.end() && known->second->tls &&
         known->second->model.tls == plan.model.tls && known->second->client_ca == plan.client_ca;
}

// Nothing can fail here.
void Worker::take(Staged& staged) {
  const WorkerUpdate& update = staged.update;
  // First all sockets are let go: one may belong to another listener now.
  for (auto& [name, listener] : listeners_) leave_sockets(*listener, update.listeners);
  proxy_->swap(update.snapshot, std::move(staged.client_tls));
  remove_missing(update.listeners);
  for (const ListenerPlan& plan : update.listeners) take_listener(plan, staged);
  sweep_removed();
}

void Worker::remove_missing(const std::vector<ListenerPlan>& plans) {
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    if (find_plan(plans, it->first) != nullptr) {
      ++it;
      continue;
    }
    retire(*it->second);
    removed_.push_back(std::move(it->second));
    it = listeners_.erase(it);
  }
}

void Worker::take_listener(const ListenerPlan& plan, Staged& staged) {
  std::unique_ptr<Listener>& slot = listeners_[plan.model.name];
  const bool fresh = slot == nullptr;
  if (fresh) slot = std::make_unique<Listener>(nullptr);
  Listener& listener = *slot;
  const auto made = staged.server_tls.find(plan.model.name);
  const bool renewed = made != staged.server_tls.end();
  if (renewed)
    listener.tls = std::move(made->second);
  else if (!plan.certificates)
    listener.tls.reset();
  const auto& authorities = staged.update.snapshot->client_authorities;
  if (listener.tls && (renewed || listener.certificates != plan.certificates ||
                       listener.authorities != authorities))
    listener.tls->use(plan.certificates, authorities);
  listener.certificates = plan.certificates;
  listener.authorities = listener.tls ? authorities : nullptr;
  listener.client_ca = plan.client_ca;
  listener.state.configure(plan.model);
  listener.state.index = plan.index;
  listener.state.handler = proxy_.get();
  listener.open_connections = plan.open_connections;
  listener.state.open_connections = plan.open_connections.get();
  if (fresh) listener.cells = metrics_.listener(plan.model.name);
  listener.state.cells = listener.cells.get();
  listener.state.process = &metrics_.process();
  listener.model = plan.model;
  open_acceptors(listener, plan);
  for (auto& acceptor : listener.acceptors) {
    acceptor->configure(plan.model, plan.open_connections.get());
    acceptor->count_refused_in(&listener.cells->refused);
  }
}

// Acceptors of sockets that stay with the listener stay. Of a socket that nobody names any more the
// queue is emptied first, so that nothing is lost when it is closed; if another listener gets it,
// that one gets the queue.
void Worker::leave_sockets(Listener& listener, const std::vector<ListenerPlan>& plans) {
  const ListenerPlan* plan = find_plan(plans, listener.model.name);
  listener.sweep();
  std::vector<std::unique_ptr<net::Acceptor>> kept;
  std::vector<int> kept_sockets;
  for (std::size_t i = 0; i < listener.sockets.size(); ++i) {
    const int socket = listener.sockets[i];
    const auto names = [socket](const ListenerPlan& each) {
      return std::ranges::find(each.sockets, socket) != each.sockets.end();
    };
    auto& acceptor = listener.acceptors[i];
    if (plan != nullptr && names(*plan)) {
      kept.push_back(std::move(acceptor));
      kept_sockets.push_back(socket);
      continue;
    }
    if (std::ranges::none_of(plans, names))
      acceptor->drain_and_close();
    else
      acceptor->close();
    if (acceptor->awaits_greetings()) listener.leaving.push_back(std::move(acceptor));
  }
  listener.acceptors = std::move(kept);
  listener.sockets = std::move(kept_sockets);
}

void Worker::retire(Listener& listener) {
  leave_sockets(listener, {});
  listener.state.index = downstream::ListenerState::kRemoved;
  listener.state.drain();
}

void Worker::open_acceptors(Listener& listener, const ListenerPlan& plan) {
  std::vector<std::unique_ptr<net::Acceptor>> acceptors;
  for (const int socket : plan.sockets) {
    const auto found = std::find(listener.sockets.begin(), listener.sockets.end(), socket);
    if (found != listener.sockets.end()) {
      acceptors.push_back(std::move(
          listener.acceptors[static_cast<std::size_t>(found - listener.sockets.begin())]));
      continue;
    }
    acceptors.push_back(std::make_unique<net::Acceptor>(
        loop_, socket, [this, &listener](net::AcceptedConnection& accepted) {
          downstream::ServerConnection::accept(loop_, listener.state, accepted.fd, accepted.peer,
                                               accepted.local, accepted.from_proxy_protocol,
                                               listener.tls.get(), accepted.early);
        }));
  }
  listener.acceptors = std::move(acceptors);
  listener.sockets = plan.sockets;
}

void Worker::Listener::sweep() {
  std::erase_if(leaving, [](const auto& acceptor) { return !acceptor->awaits_greetings(); });
}

bool Worker::Listener::unused() {
  sweep();
  return leaving.empty() && state.connections.empty();
}

void Worker::sweep_removed() {
  std::erase_if(removed_, [](const auto& gone) { return gone->unused(); });
}

void Worker::announce_drain() {
  loop_.post([this] {
    for (auto& [name, listener] : listeners_) listener->state.draining = true;
  });
}

void Worker::drain(std::function<void()> stopped, std::function<void()> drained) {
  loop_.post([this, stopped = std::move(stopped), drained = std::move(drained)] {
    drained_ = drained;
    for (auto& [name, listener] : listeners_) {
      leave_sockets(*listener, {});
      listener->state.drain();
    }
    stopped();
    look_if_drained();
  });
}

void Worker::look_if_drained() {
  const auto empty = [](const auto& listener) { return listener->unused(); };
  const bool done = std::all_of(listeners_.begin(), listeners_.end(),
                                [&](const auto& entry) { return empty(entry.second); }) &&
                    std::all_of(removed_.begin(), removed_.end(), empty);
  if (!done) return drain_poll_.arm(loop_.timers(), kDrainPoll);
  if (drained_) drained_();
  drained_ = nullptr;
}

}  // namespace gateway::server
