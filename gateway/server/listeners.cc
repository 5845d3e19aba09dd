#include "gateway/server/listeners.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/base/file.h"
#include "gateway/config/named_files.h"
#include "gateway/net/tls_server.h"

namespace gateway::server {

namespace {

constexpr std::size_t kMaxTicketFile = 64 * 1024;

Error named(const config::Listener& listener, Error error) {
  error.detail = fmt::format("listener {}: {}", listener.name, error.detail);
  return error;
}

}  // namespace

Listeners::Prepared Listeners::load(const config::Model& model, bool keep_broken,
                                    std::vector<config::Finding>& findings,
                                    std::vector<Error>& kept) {
  Prepared prepared;
  prepared.model = &model;
  for (std::size_t i = 0; i < model.listeners.size(); ++i) {
    const config::Listener& listener = model.listeners[i];
    if (auto loaded = load_tls(listener, keep_broken, prepared, kept); !loaded)
      findings.push_back(
          {fmt::format("listeners[{}].tls", i), named(listener, loaded.error()).detail});
    auto& count = prepared.open_connections[listener.name];
    const auto known = current_.open_connections.find(listener.name);
    count = known != current_.open_connections.end()
                ? known->second
                : std::make_shared<std::atomic<std::uint32_t>>(0);
  }
  return prepared;
}

Listeners::Place Listeners::place_of(const config::Listener& listener, std::size_t address) {
  const SocketAddress& at = listener.addresses[address];
  if (at.port() != 0) return {at, {}, 0};
  return {at, listener.name, address};
}

tl::expected<void, config::Finding> Listeners::open_sockets(Prepared& prepared) {
  const auto& listeners = prepared.model->listeners;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const config::Listener& listener = listeners[i];
    for (std::size_t j = 0; j < listener.addresses.size(); ++j) {
      const SocketAddress& address = listener.addresses[j];
      const Place place = place_of(listener, j);
      auto& slot = prepared.sockets[place];
      if (const auto open = current_.sockets.find(place); open != current_.sockets.end()) {
        slot = open->second;
        continue;
      }
      auto opened = net::ListenSocket::open(address, workers_, static_cast<int>(listener.backlog));
      if (!opened)
        return tl::make_unexpected(config::Finding{fmt::format("listeners[{}].addresses[{}]", i, j),
                                                   named(listener, opened.error()).detail});
      slot = std::move(*opened);
    }
  }
  return {};
}

Result<void> Listeners::load_tls(const config::Listener& listener, bool keep_broken,
                                 Prepared& prepared, std::vector<Error>& kept) {
  if (!listener.tls) return {};
  if (auto loaded = load_certificates(listener, keep_broken, prepared, kept); !loaded)
    return loaded;
  if (auto loaded = load_ticket_keys(listener, prepared); !loaded) return loaded;
  if (!listener.tls->client_ca.empty()) {
    auto bundle = read_file(listener.tls->client_ca);
    if (!bundle) return tl::make_unexpected(bundle.error());
    prepared.client_cas[listener.name] = net::digest_of({*bundle});
  }
  return try_context(listener, prepared);
}

Result<void> Listeners::load_certificates(const config::Listener& listener, bool keep_broken,
                                          Prepared& prepared, std::vector<Error>& kept) {
  if (listener.tls->certificates.empty())
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "certificates is missing: name a certificate with its key, or a folder of them");
  const auto old = current_.pairs.find(listener.name);
  const net::LoadedPairs* fallback =
      keep_broken && old != current_.pairs.end() ? &old->second : nullptr;
  const auto texts = current_.texts.find(listener.name);
  std::vector<Error> broken;
  auto loaded = net::load_certificates(listener.tls->certificates, store_, fallback, &broken,
                                       texts == current_.texts.end() ? nullptr : &texts->second);
  if (!loaded) return tl::make_unexpected(loaded.error());
  for (const Error& error : broken) kept.push_back(named(listener, error));
  prepared.pairs[listener.name] = std::move(loaded->by_path);
  prepared.texts[listener.name] = std::move(loaded->by_text);
  // The same certificates are the same set, so that workers see that nothing changed.
  auto& slot = prepared.certificates[listener.name];
  const auto known = current_.certificates.find(listener.name);
  const bool same = known != current_.certificates.end() && known->second &&
                    known->second->all() == loaded->in_order &&
                    known->second->hosts() == loaded->hosts;
  slot = same ? known->second
              : net::CertificateSet::make(
                    loaded->in_order, loaded->hosts,
                    known == current_.certificates.end() ? nullptr : known->second.get());
  return {};
}

// The same object for a file over all reloads: listeners and connections see new keys at once.
Result<void> Listeners::load_ticket_keys(const config::Listener& listener, Prepared& prepared) {
  const std::string& path = listener.tls->ticket_key_file;
  if (path.empty()) return {};
  auto bytes = config::read_file(path, kMaxTicketFile);
  if (!bytes) return failure(ErrorCode::io_error, Side::internal, bytes.error());
  if (auto valid = net::TicketKeys().load(*bytes); !valid) return valid;
  auto& file = prepared.ticket_files[path];
  const auto known = current_.ticket_files.find(path);
  if (!file.keys)
    file.keys = known != current_.ticket_files.end() ? known->second.keys
                                                     : std::make_shared<net::TicketKeys>();
  file.bytes = std::move(*bytes);
  return {};
}

// What a worker will do, so that it cannot fail there.
Result<void> Listeners::try_context(const config::Listener& listener, const Prepared& prepared) {
  auto made = net::ServerTlsContext::make(library_, *listener.tls, listener.name,
                                          prepared.certificates.at(listener.name),
                                          tickets_of(*listener.tls, prepared), {});
  if (!made) return tl::make_unexpected(made.error());
  return {};
}

const std::shared_ptr<net::TicketKeys>& Listeners::tickets_of(const config::ListenerTls& tls,
                                                              const Prepared& prepared) const {
  return tls.ticket_key_file.empty() ? tickets_
                                     : prepared.ticket_files.at(tls.ticket_key_file).keys;
}

bool Listeners::stop_inviting(const Prepared* next) {
  bool any = false;
  for (const auto& [place, sockets] : current_.sockets) {
    if (next != nullptr && next->sockets.contains(place)) continue;
    for (const auto& socket : sockets) socket->stop_inviting();
    any = true;
  }
  return any;
}

void Listeners::commit(Prepared prepared) {
  current_ = std::move(prepared);
  current_.model = nullptr;
}

void Listeners::take_ticket_keys(Prepared& prepared) {
  // They were found valid when they were read.
  for (auto& [path, file] : prepared.ticket_files)
    if (!file.bytes.empty()) (void)file.keys->load(std::exchange(file.bytes, {}));
}

std::vector<ListenerPlan> Listeners::plans(const Prepared& prepared, std::size_t worker) const {
  std::vector<ListenerPlan> plans;
  std::uint32_t index = 0;
  for (const config::Listener& listener : prepared.model->listeners) {
    ListenerPlan plan;
    plan.model = listener;
    plan.index = index++;
    for (std::size_t i = 0; i < listener.addresses.size(); ++i)
      plan.sockets.push_back(prepared.sockets.at(place_of(listener, i))[worker]->fd());
    if (listener.tls) {
      plan.certificates = prepared.certificates.at(listener.name);
      plan.tickets = tickets_of(*listener.tls, prepared);
      if (const auto ca = prepared.client_cas.find(listener.name); ca != prepared.client_cas.end())
        plan.client_ca = ca->second;
    }
    plan.open_connections = prepared.open_connections.at(listener.name);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace gateway::server
