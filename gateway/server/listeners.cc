#include "gateway/server/listeners.h"

#include <fmt/format.h>

#include "gateway/config/named_files.h"

namespace gateway::server {

namespace {

constexpr std::size_t kMaxTicketFile = 64 * 1024;

Error named(const config::Listener& listener, Error error) {
  error.detail = fmt::format("listener {}: {}", listener.name, error.detail);
  return error;
}

}  // namespace

Result<Listeners::Prepared> Listeners::prepare(const config::Model& model, bool keep_broken,
                                               std::vector<Error>& problems) {
  Prepared prepared;
  prepared.model = &model;
  for (const config::Listener& listener : model.listeners) {
    if (auto opened = open_sockets(listener, prepared); !opened)
      return tl::make_unexpected(opened.error());
    if (auto loaded = load_certificates(listener, keep_broken, prepared, problems); !loaded)
      return tl::make_unexpected(loaded.error());
    if (auto loaded = load_ticket_keys(listener, prepared); !loaded)
      return tl::make_unexpected(named(listener, loaded.error()));
    auto& count = prepared.open_connections[listener.name];
    const auto known = current_.open_connections.find(listener.name);
    count = known != current_.open_connections.end()
                ? known->second
                : std::make_shared<std::atomic<std::uint32_t>>(0);
  }
  return prepared;
}

Result<void> Listeners::open_sockets(const config::Listener& listener, Prepared& prepared) {
  for (const SocketAddress& address : listener.addresses) {
    auto& slot = prepared.sockets[address];
    if (const auto open = current_.sockets.find(address); open != current_.sockets.end()) {
      slot = open->second;
      continue;
    }
    auto opened = net::ListenSocket::open(address, workers_, static_cast<int>(listener.backlog));
    if (!opened) return tl::make_unexpected(named(listener, opened.error()));
    slot = std::move(*opened);
  }
  return {};
}

Result<void> Listeners::load_certificates(const config::Listener& listener, bool keep_broken,
                                          Prepared& prepared, std::vector<Error>& problems) {
  if (!listener.tls) return {};
  net::LoadedPairs& pairs = prepared.pairs[listener.name];
  if (const auto old = current_.pairs.find(listener.name); old != current_.pairs.end())
    pairs = old->second;
  std::vector<Error> broken;
  auto loaded = net::load_certificates(listener.tls->certificates, store_,
                                       keep_broken ? &pairs : nullptr, &broken);
  if (!loaded) return tl::make_unexpected(named(listener, loaded.error()));
  for (const Error& error : broken) problems.push_back(named(listener, error));
  // Remembered also after a strict reload, for the next change of files to fall back to.
  if (!keep_broken && !net::load_certificates(listener.tls->certificates, store_, &pairs, &broken))
    pairs.clear();
  // The same certificates are the same set, so that workers see that nothing changed.
  auto& slot = prepared.certificates[listener.name];
  const auto known = current_.certificates.find(listener.name);
  const bool same =
      known != current_.certificates.end() && known->second && known->second->all() == *loaded;
  slot = same ? known->second : net::CertificateSet::make(*loaded);
  return {};
}

// The same object for a file over all reloads: listeners and connections see new keys at once.
Result<void> Listeners::load_ticket_keys(const config::Listener& listener, Prepared& prepared) {
  if (!listener.tls || listener.tls->ticket_key_file.empty()) return {};
  const std::string& path = listener.tls->ticket_key_file;
  auto& keys = prepared.ticket_files[path];
  const auto known = current_.ticket_files.find(path);
  if (!keys)
    keys =
        known != current_.ticket_files.end() ? known->second : std::make_shared<net::TicketKeys>();
  auto bytes = config::read_file(path, kMaxTicketFile);
  if (!bytes) return failure(ErrorCode::io_error, Side::internal, bytes.error());
  return keys->load(*bytes);
}

std::vector<ListenerPlan> Listeners::plans(const Prepared& prepared, std::size_t worker) const {
  std::vector<ListenerPlan> plans;
  std::uint32_t index = 0;
  for (const config::Listener& listener : prepared.model->listeners) {
    ListenerPlan plan;
    plan.model = listener;
    plan.index = index++;
    for (const SocketAddress& address : listener.addresses)
      plan.sockets.push_back(prepared.sockets.at(address)[worker]->fd());
    if (listener.tls) {
      plan.certificates = prepared.certificates.at(listener.name);
      const std::string& file = listener.tls->ticket_key_file;
      plan.tickets = file.empty() ? tickets_ : prepared.ticket_files.at(file);
    }
    plan.open_connections = prepared.open_connections.at(listener.name);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace gateway::server
