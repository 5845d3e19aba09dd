#include "gateway/kubernetes/upstream_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/base/hash.h"
#include "gateway/config/scalar.h"

namespace gateway::kubernetes {
namespace {

void write(const config::Value& value, std::string& out) {
  if (!value.holds<config::Value::Map>()) {
    out += config::format_scalar(value) + ';';
    return;
  }
  for (const auto& [key, member] : value.as<config::Value::Map>()) {
    out += key + '=';
    write(member, out);
  }
}

// Tells settings apart by name, the same on all replicas and after a restart.
std::string mark_of(const UpstreamSettings& settings) {
  std::string text = settings.balancer.type + ';';
  write(settings.balancer.options, text);
  text +=
      fmt::format("{};{};{};{};{};{};", settings.tls, settings.verify, settings.server_name,
                  settings.connect.count(), settings.retries.attempts, settings.slow_start.count());
  for (const std::uint16_t status : settings.retries.statuses) text += fmt::format("{},", status);
  // Names of those that have what most have stay as they were.
  if (settings.tunnel_idle != UpstreamSettings().tunnel_idle)
    text += fmt::format("tunnel {};", settings.tunnel_idle.count());
  if (const auto& health = settings.active_health)
    text += fmt::format("{};{};{};{};{};{}", health->path, health->host, health->interval.count(),
                        health->timeout.count(), health->healthy_after, health->unhealthy_after);
  return fmt::format("{:08x}", static_cast<std::uint32_t>(hash_bytes(text)));
}

config::Upstream upstream_of(std::string name, const ServicePortRef& port,
                             const UpstreamSettings& settings, bool private_) {
  config::Upstream made;
  made.name = std::move(name);
  made.private_ = private_;
  made.host = port.external_name.empty()
                  ? fmt::format("{}.{}.svc", port.service.name, port.service.namespace_)
                  : port.external_name;
  made.discovered = port.external_name.empty();
  if (!made.discovered) made.endpoints.push_back({port.external_name, port.port, 1});
  made.balancer = settings.balancer;
  if (settings.tls) {
    config::UpstreamTls& tls = made.tls.emplace();
    tls.verify = settings.verify;
    tls.server_name = settings.server_name;
    if (tls.server_name.empty()) tls.server_name = made.host;
  }
  made.timeouts.connect = settings.connect;
  made.timeouts.tunnel_idle = settings.tunnel_idle;
  made.retries = settings.retries;
  made.active_health = settings.active_health;
  made.slow_start = settings.slow_start;
  return made;
}

// "app.prod.svc.cluster.local" and the like.
std::optional<ObjectName> service_behind(std::string_view host) {
  const auto first = host.find('.');
  const auto second = first == std::string_view::npos ? first : host.find('.', first + 1);
  if (second == std::string_view::npos || !host.substr(second + 1).starts_with("svc"))
    return std::nullopt;
  return ObjectName{std::string(host.substr(first + 1, second - first - 1)),
                    std::string(host.substr(0, first))};
}

}  // namespace

std::size_t UpstreamBook::HashOf::operator()(const ServiceRef& ref) const {
  const std::hash<std::string> hash;
  return (hash(ref.service.name) * 31 + hash(ref.service.namespace_)) * 31 + hash(ref.port);
}

const UpstreamBook::Written& UpstreamBook::find(const ServiceRef& ref) {
  const auto [known, fresh] = written_.try_emplace(ref);
  if (!fresh) return known->second;
  auto resolved = services_.resolve(ref);
  if (!resolved) {
    known->second.problem = std::move(resolved.error());
    return known->second;
  }
  std::string key = resolved->key();
  Port*& port = by_key_[key];
  if (port == nullptr) {
    port = &ports_.emplace_back();
    port->ref = std::move(*resolved);
    port->key = std::move(key);
  }
  known->second.port = port;
  return known->second;
}

void UpstreamBook::keep_private(const ServiceRef& ref) {
  Port* port = find(ref).port;
  if (port == nullptr || std::exchange(port->kept_private, true)) return;
  private_ports_.push_back(port->ref);
  private_services_.insert(port->ref.service);
  services_.add_ways(port->ref, private_ways_);
}

void UpstreamBook::prefer(const ServiceRef& ref, const UpstreamSettings& settings) {
  Port* port = find(ref).port;
  if (port != nullptr && port->preferred == nullptr) port->preferred = &settings;
}

tl::expected<UpstreamBook::Port*, BackendProblem> UpstreamBook::usable(const ServiceRef& ref) {
  const Written& written = find(ref);
  if (written.port == nullptr)
    return tl::make_unexpected(BackendProblem{kBackendMissing, written.problem});
  if (written.port->ref.external_name.empty() || settings_.allow_external_names)
    return written.port;
  return tl::make_unexpected(BackendProblem{
      kBackendMissing, fmt::format("Service {} is an ExternalName, which are not allowed here",
                                   ref.service.to_string())});
}

std::optional<BackendProblem> UpstreamBook::external_breach(const ServicePortRef& port) const {
  const std::string name = without_last_dot(port.external_name);
  const auto service = service_behind(name);
  const auto ip = IpAddress::parse(name);
  // Of other names the directory of endpoints sees the addresses, once they are known.
  if (!private_ways_.names.contains(name) && !private_ways_.node_ports.contains(port.port) &&
      !(service && private_services_.contains(*service)) &&
      !(ip && private_ways_.addresses.contains(SocketAddress(*ip, port.port))))
    return std::nullopt;
  return BackendProblem{kPrivateBackend, fmt::format("Service {} stands for {}, which is private",
                                                     port.service.to_string(), name)};
}

std::optional<BackendProblem> UpstreamBook::breach(const Port& port) const {
  if (port.kept_private)
    return BackendProblem{
        kPrivateBackend,
        fmt::format("Service {} is private: a token is asked of it, and no route may reach it",
                    port.key)};
  if (!port.ref.external_name.empty()) return external_breach(port.ref);
  for (const upstream::SuppliedEndpoint& endpoint : port.endpoints)
    if (private_ways_.lead_over(endpoint.address))
      return BackendProblem{kPrivateBackend,
                            fmt::format("Service {} leads to {}, which is an address of a private "
                                        "Service",
                                        port.key, endpoint.address.to_string())};
  return std::nullopt;
}

std::string UpstreamBook::name_of(Port& port, const UpstreamSettings& settings, bool private_) {
  for (const Variant& variant : port.variants)
    if (variant.private_ == private_ && variant.settings == settings) return variant.name;
  std::string name = port.key;
  const bool preferred =
      port.preferred == nullptr ? port.variants.empty() : *port.preferred == settings;
  if (!private_ && !preferred) name += ":" + mark_of(settings);
  // Marks are short: somebody may find two settings with the same one.
  const auto taken = [&](const Variant& variant) { return variant.name == name; };
  while (std::any_of(port.variants.begin(), port.variants.end(), taken)) name += '+';
  port.variants.push_back({settings, private_, name});
  upstreams_.push_back(upstream_of(name, port.ref, settings, private_));
  if (port.ref.external_name.empty()) sources_.push_back({name, port.ref, private_});
  return name;
}

tl::expected<std::string, BackendProblem> UpstreamBook::use(const ServiceRef& ref,
                                                            const UpstreamSettings& settings) {
  const auto found = usable(ref);
  if (!found) return tl::make_unexpected(found.error());
  Port& port = **found;
  if (!std::exchange(port.judged, true)) {
    port.endpoints = services_.endpoints(port.ref);
    port.problem = breach(port);
  }
  if (port.problem) {
    refused_any_ = true;
    return tl::make_unexpected(*port.problem);
  }
  return name_of(port, settings, false);
}

tl::expected<std::string, BackendProblem> UpstreamBook::use_private(
    const ServiceRef& ref, const UpstreamSettings& settings) {
  const auto found = usable(ref);
  if (!found) return tl::make_unexpected(found.error());
  Port& port = **found;
  if (port.endpoints.empty()) port.endpoints = services_.endpoints(port.ref);
  return name_of(port, settings, true);
}

void UpstreamBook::finish(Translation& translation) {
  std::sort(upstreams_.begin(), upstreams_.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  translation.upstreams = std::move(upstreams_);
  for (const EndpointSource& source : sources_)
    translation.endpoints[source.upstream] = by_key_.at(source.port.key())->endpoints;
  translation.reserved = private_ways_.addresses;
}

}  // namespace gateway::kubernetes
