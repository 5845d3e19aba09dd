#include "gateway/kubernetes/upstream_book.h"

#include <fmt/format.h>

#include <algorithm>

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
  made.discovered = port.external_name.empty();
  if (!made.discovered) made.endpoints.push_back({port.external_name, port.port, 1});
  made.balancer = settings.balancer;
  if (settings.tls) {
    config::UpstreamTls& tls = made.tls.emplace();
    tls.verify = settings.verify;
    tls.server_name = settings.server_name;
    if (tls.server_name.empty())
      tls.server_name = port.external_name.empty()
                            ? fmt::format("{}.{}.svc", port.service.name, port.service.namespace_)
                            : port.external_name;
  }
  made.timeouts.connect = settings.connect;
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

void UpstreamBook::keep_private(const ServiceRef& ref) {
  const auto port = services_.resolve(ref);
  if (!port || !private_keys_.insert(port->key()).second) return;
  private_ports_.push_back(*port);
  private_services_.insert(port->service);
  if (!port->external_name.empty()) private_names_.insert(port->external_name);
  services_.add_addresses(*port, reserved_);
}

void UpstreamBook::prefer(const ServiceRef& ref, const UpstreamSettings& settings) {
  if (const auto port = services_.resolve(ref)) preferred_.try_emplace(port->key(), settings);
}

UpstreamBook::Found UpstreamBook::resolve(const ServiceRef& ref) const {
  auto port = services_.resolve(ref);
  if (!port) return tl::make_unexpected(BackendProblem{kBackendMissing, port.error()});
  if (port->external_name.empty() || settings_.allow_external_names) return *port;
  return tl::make_unexpected(BackendProblem{
      kBackendMissing, fmt::format("Service {} is an ExternalName, which are not allowed here",
                                   ref.service.to_string())});
}

std::optional<BackendProblem> UpstreamBook::external_breach(const ServicePortRef& port) const {
  const auto refuse = [&] {
    return BackendProblem{kPrivateBackend,
                          fmt::format("Service {} stands for {}, which is private",
                                      port.service.to_string(), port.external_name)};
  };
  if (private_names_.contains(port.external_name)) return refuse();
  if (const auto service = service_behind(port.external_name))
    if (private_services_.contains(*service)) return refuse();
  // Of other names the directory of endpoints sees the addresses, once they are known.
  if (const auto ip = IpAddress::parse(port.external_name))
    if (reserved_.contains(SocketAddress(*ip, port.port))) return refuse();
  return std::nullopt;
}

std::optional<BackendProblem> UpstreamBook::breach(const ServicePortRef& port) {
  if (private_keys_.contains(port.key()))
    return BackendProblem{
        kPrivateBackend,
        fmt::format("Service {} is private: a token is asked of it, and no route may reach it",
                    port.key())};
  if (!port.external_name.empty()) return external_breach(port);
  for (const upstream::SuppliedEndpoint& endpoint : endpoints_[port.key()])
    if (reserved_.contains(endpoint.address))
      return BackendProblem{kPrivateBackend,
                            fmt::format("Service {} leads to {}, which is an address of a private "
                                        "Service",
                                        port.key(), endpoint.address.to_string())};
  return std::nullopt;
}

std::string UpstreamBook::name_of(const ServicePortRef& port, const UpstreamSettings& settings,
                                  bool private_) {
  std::vector<Variant>& known = variants_[port.key()];
  for (const Variant& variant : known)
    if (variant.private_ == private_ && variant.settings == settings) return variant.name;
  std::string name = port.key();
  const auto preferred = preferred_.try_emplace(name, settings).first;
  if (!private_ && !(preferred->second == settings)) name += ":" + mark_of(settings);
  known.push_back({settings, private_, name});
  upstreams_.push_back(upstream_of(name, port, settings, private_));
  if (port.external_name.empty()) sources_.push_back({name, port, private_});
  return name;
}

tl::expected<std::string, BackendProblem> UpstreamBook::use(const ServiceRef& ref,
                                                            const UpstreamSettings& settings) {
  const Found port = resolve(ref);
  if (!port) return tl::make_unexpected(port.error());
  const auto [judged, fresh] = judged_.try_emplace(port->key());
  if (fresh) {
    endpoints_[port->key()] = services_.endpoints(*port);
    judged->second = breach(*port);
  }
  if (judged->second) {
    refused_any_ = true;
    return tl::make_unexpected(*judged->second);
  }
  return name_of(*port, settings, false);
}

tl::expected<std::string, BackendProblem> UpstreamBook::use_private(
    const ServiceRef& ref, const UpstreamSettings& settings) {
  const Found port = resolve(ref);
  if (!port) return tl::make_unexpected(port.error());
  endpoints_.try_emplace(port->key(), services_.endpoints(*port));
  return name_of(*port, settings, true);
}

void UpstreamBook::finish(Translation& translation) {
  std::sort(upstreams_.begin(), upstreams_.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  translation.upstreams = std::move(upstreams_);
  for (const EndpointSource& source : sources_)
    translation.endpoints[source.upstream] = endpoints_[source.port.key()];
  translation.reserved = reserved_;
}

}  // namespace gateway::kubernetes
