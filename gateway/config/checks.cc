#include "gateway/config/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

namespace gateway::config {
namespace {

template <typename List>
void check_names(std::string_view list, const List& items, const Report& report) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name.empty()) continue;
    const auto [known, fresh] = first.emplace(items[i].name, i);
    if (!fresh)
      report({fmt::format("{}[{}].name", list, i),
              fmt::format("already the name of {}[{}]", list, known->second), "a name of its own",
              items[i].name});
  }
}

bool is_any(const IpAddress& ip) {
  const std::string_view bytes = ip.bytes();
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

// "[::]:80" takes IPv4 as well; "0.0.0.0:80" leaves IPv6 free.
bool covers(const IpAddress& wide, const IpAddress& other) {
  return is_any(wide) && (!wide.is_v4() || other.is_v4());
}

/// The addresses of one port, each with its path.
using Bound = std::map<IpAddress, std::string>;

// Sought one by one only for an address that stands for all.
Bound::const_iterator find_collision(const Bound& bound, const IpAddress& ip) {
  if (is_any(ip))
    return std::find_if(bound.begin(), bound.end(), [&](const auto& other) {
      return other.first == ip || covers(ip, other.first) || covers(other.first, ip);
    });
  constexpr std::uint8_t kZeros[16] = {};
  for (const IpAddress& any : {IpAddress(), IpAddress::v6(kZeros)}) {
    const auto wide = bound.find(any);
    if (wide != bound.end() && covers(wide->first, ip)) return wide;
  }
  return bound.find(ip);
}

void check_addresses(const Model& model, const Report& report) {
  std::unordered_map<std::uint16_t, Bound> by_port;
  const auto add = [&](const SocketAddress& address, std::string path) {
    if (address.port() == 0) return;
    Bound& bound = by_port[address.port()];
    const auto other = find_collision(bound, address.ip());
    if (other == bound.end()) {
      bound.emplace(address.ip(), std::move(path));
      return;
    }
    report({std::move(path),
            fmt::format("collides with {} ({})",
                        SocketAddress(other->first, address.port()).to_string(), other->second),
            "an address and port of its own", address.to_string()});
  };
  for (std::size_t i = 0; i < model.listeners.size(); ++i)
    for (std::size_t j = 0; j < model.listeners[i].addresses.size(); ++j)
      add(model.listeners[i].addresses[j], fmt::format("listeners[{}].addresses[{}]", i, j));
  if (model.admin.address) add(*model.admin.address, "admin.address");
  if (model.cluster && model.cluster->listen) add(*model.cluster->listen, "cluster.listen");
  if (model.status.address) add(*model.status.address, "status.address");
}

void check_tls(const ListenerTls& tls, const std::string& path, const Report& report) {
  if (tls.client_certificates != ClientCertificates::off && tls.client_ca.empty())
    report({path + ".client_certificates", "client_ca is missing",
            "client_ca: the PEM bundle that client certificates are verified by"});
  if (tls.client_certificates == ClientCertificates::off && !tls.client_ca.empty())
    report({path + ".client_ca", "has no effect while client_certificates is off",
            "client_certificates: optional or required"});
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    const CertificateSource& source = tls.certificates[i];
    const std::string at = fmt::format("{}.certificates[{}]", path, i);
    if (!source.certificate.empty() && source.key.empty()) report({at, "key is missing"});
    if (source.certificate.empty() && !source.key.empty())
      report({at + ".key", "key without certificate"});
  }
}

void check_cluster(const Cluster& cluster, const Report& report) {
  for (std::size_t i = 0; i < cluster.peers.size(); ++i) {
    const SocketAddress& peer = cluster.peers[i];
    if (is_any(peer.ip()) || peer.port() == 0)
      report({fmt::format("cluster.peers[{}]", i), "nobody can be asked there",
              "the address and port of one replica", peer.to_string()});
  }
}

}  // namespace

void check_listeners(const Model& model, const Report& report) {
  check_names("listeners", model.listeners, report);
  check_addresses(model, report);
  for (std::size_t i = 0; i < model.listeners.size(); ++i) {
    const Listener& listener = model.listeners[i];
    const std::string path = fmt::format("listeners[{}]", i);
    if (listener.tls) check_tls(*listener.tls, path + ".tls", report);
    if (listener.http.max_target > listener.http.max_head)
      report({path + ".http.max_target", "larger than max_head, which holds it"});
  }
}

void check_model(const Model& model, const Report& report) {
  check_listeners(model, report);
  if (model.cluster) check_cluster(*model.cluster, report);
  check_names("upstreams", model.upstreams, report);
  check_upstreams(model, report);
  check_names("routes", model.routes, report);
  check_routes(model, report);
}

}  // namespace gateway::config
