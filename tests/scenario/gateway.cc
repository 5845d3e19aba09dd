#include "scenario/gateway.h"

#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "gateway/config/loader.h"
#include "gateway/filter/table.h"
#include "gateway/net/resolver.h"
#include "gateway/server/upstream_files.h"
#include "gateway/upstream/balancer.h"
#include "support/socket.h"

namespace gateway::test {
namespace {

std::shared_ptr<const config::Model> load(const std::string& yaml) {
  const config::PolicyTables tables{filter::filter_policies(), upstream::balancer_policies()};
  auto loaded = config::load_text(
      "test.yaml", yaml, tables,
      [](std::string_view) -> std::optional<std::string> { return std::nullopt; });
  if (!loaded) {
    std::string text = "the configuration has problems:\n";
    for (const config::Problem& problem : loaded.error()) text += config::format(problem);
    throw std::runtime_error(text);
  }
  return std::make_shared<const config::Model>(std::move(loaded->model));
}

void must(const std::vector<config::Finding>& findings) {
  if (!findings.empty())
    throw std::runtime_error(findings.front().path + ": " + findings.front().message);
}

std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&address)).port();
}

}  // namespace

/// Resolves the endpoints' names on a thread of its own, as the control thread does.
class Gateway::Names {
 public:
  Names(Gateway& gateway, const std::string& server) {
    net::Resolver::Options options;
    options.servers = server;
    options.timeout = std::chrono::milliseconds(500);
    resolver_.emplace(
        loop_,
        [&gateway](const std::string& name, std::vector<IpAddress> addresses) {
          const std::lock_guard lock(gateway.directory_mutex_);
          gateway.directory_.resolved(name, std::move(addresses));
        },
        [](const std::string&, const Error&) {}, options);
    thread_ = std::thread([this] {
      loop_.run();
      resolver_.reset();
      loop_.run_once(Duration::zero());
    });
  }
  ~Names() {
    loop_.stop();
    thread_.join();
  }

  void keep(std::vector<std::string> names) {
    loop_.post([this, names = std::move(names)] { resolver_->keep(names); });
  }

 private:
  EventLoop loop_;
  std::optional<net::Resolver> resolver_;
  std::thread thread_;
};

Gateway::Gateway(const std::string& yaml, const std::string& name_server) {
  if (!name_server.empty()) names_ = std::make_unique<Names>(*this, name_server);
  directory_.on_change([this](const upstream::EndpointSetPtr& set) { worker_.publish(set); });
  worker_.start(-1);
  try {
    reload(yaml);
  } catch (...) {
    names_.reset();
    worker_.stop();
    worker_.join();
    throw;
  }
}

Gateway::~Gateway() {
  names_.reset();
  worker_.stop();
  worker_.join();
}

void Gateway::reload(const std::string& yaml, const Tamper& tamper) {
  const auto model = load(yaml);
  std::vector<config::Finding> findings;
  std::vector<Error> kept;
  auto prepared = listeners_.load(*model, false, findings, kept);
  auto client_tls =
      server::load_upstream_files(*model, tls_library_, certificates_, nullptr, findings, kept);
  must(findings);
  auto compiled =
      snapshot::compile(model, generation_ + 1, snapshot_.get(), services_, std::move(client_tls));
  if (!compiled) must(compiled.error());
  if (auto opened = listeners_.open_sockets(prepared); !opened) must({opened.error()});
  server::WorkerUpdate update;
  update.snapshot = *compiled;
  update.listeners = listeners_.plans(prepared, 0);
  std::map<std::string, std::uint16_t, std::less<>> ports;
  for (const server::ListenerPlan& plan : update.listeners)
    ports[plan.model.name] = port_of(plan.sockets.front());
  if (tamper) tamper(update);
  // Shared: the worker may still be inside set_value when it is heard here.
  const auto staged = std::make_shared<std::promise<Result<void>>>();
  worker_.prepare(std::move(update), [staged](Result<void> result) { staged->set_value(result); });
  if (const Result<void> result = staged->get_future().get(); !result)
    throw std::runtime_error(result.error().to_string());
  {
    const std::lock_guard lock(directory_mutex_);
    directory_.configure(model->upstreams);
    if (names_) names_->keep(directory_.names());
  }
  const auto taken = std::make_shared<std::promise<void>>();
  worker_.commit([taken] { taken->set_value(); });
  taken->get_future().get();
  ++generation_;
  snapshot_ = *compiled;
  ports_ = std::move(ports);
  listeners_.commit(std::move(prepared));
}

std::uint16_t Gateway::port(std::string_view listener) const {
  return ports_.find(listener)->second;
}

}  // namespace gateway::test
