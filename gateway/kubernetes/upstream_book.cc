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
  // By name: a renewed certificate makes no other upstream.
  if (settings.pem) text += settings.pem->name + ';';
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
    tls.pem = settings.pem;
  }
  made.timeouts.connect = settings.connect;
  made.timeouts.tunnel_idle = settings.tunnel_idle;
  made.retries = settings.retries;
  made.active_health = settings.active_health;
  made.slow_start = settings.slow_start;
  return made;
}

UpstreamBook::AnswerPtr refusal(BackendProblem problem) {
  return std::make_shared<const UpstreamBook::Answer>(tl::make_unexpected(std::move(problem)));
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

void UpstreamBook::look(const Store& store) {
  const ServiceIndex::News news = services_.look(store);
  if (news.services || news.slices) ++look_;
  if (!news.services) return;
  // Ports that are what they were keep what was read of them.
  for (auto& [ref, written] : written_) resolve(*written);
}

void UpstreamBook::begin() {
  ++translation_;
  private_ways_ = {};
  private_services_.clear();
  private_ports_.clear();
  upstreams_before_ = std::exchange(upstreams_, {});
  upstreams_.reserve(upstreams_before_.size());
  sources_.clear();
  refused_any_ = false;
}

UpstreamBook::Entry UpstreamBook::find(const ServiceRef& ref) {
  auto& known = written_[ref];
  if (known) return known;
  known = std::make_shared<Written>();
  known->ref = ref;
  resolve(*known);
  return known;
}

void UpstreamBook::resolve(Written& written) {
  written.port = nullptr;
  written.refusal = nullptr;
  auto resolved = services_.resolve(written.ref);
  if (!resolved) {
    written.refusal = refusal({kBackendMissing, std::move(resolved.error())});
    return;
  }
  std::string key = resolved->key();
  auto& port = by_key_[key];
  if (!port || port->ref != *resolved) {
    port = std::make_shared<Port>();
    port->ref = std::move(*resolved);
    port->key = std::move(key);
  }
  written.port = port;
  if (port->ref.external_name.empty() || settings_.allow_external_names) return;
  written.refusal = refusal(
      {kBackendMissing, fmt::format("Service {} is an ExternalName, which are not allowed here",
                                    written.ref.service.to_string())});
}

UpstreamBook::Port& UpstreamBook::today(const std::shared_ptr<Port>& port) const {
  if (std::exchange(port->translation, translation_) == translation_) return *port;
  port->kept_private = false;
  port->preferred = nullptr;
  port->judged = false;
  port->problem = nullptr;
  port->before = std::exchange(port->variants, {});
  return *port;
}

const upstream::SuppliedEndpoints& UpstreamBook::endpoints_of(Port& port) {
  if (std::exchange(port.read_at, look_) == look_ && port.endpoints) return port.endpoints;
  auto service = services_.share(port.ref.service);
  const ServiceIndex::Slices slices = services_.slices_of(port.ref.service);
  const bool same = port.service == service && std::equal(slices.begin(), slices.end(),
                                                          port.slices.begin(), port.slices.end());
  if (same && port.endpoints) return port.endpoints;
  port.service = std::move(service);
  port.slices.assign(slices.begin(), slices.end());
  auto endpoints = services_.endpoints(port.ref);
  if (!port.endpoints || *port.endpoints != endpoints)
    port.endpoints =
        std::make_shared<const std::vector<upstream::SuppliedEndpoint>>(std::move(endpoints));
  return port.endpoints;
}

void UpstreamBook::keep_private(const Entry& entry) {
  if (!entry->port || std::exchange(today(entry->port).kept_private, true)) return;
  const ServicePortRef& ref = entry->port->ref;
  private_ports_.push_back(ref);
  private_services_.insert(ref.service);
  services_.add_ways(ref, private_ways_);
}

void UpstreamBook::prefer(const Entry& entry, const UpstreamSettings& settings) {
  if (!entry->port) return;
  Port& port = today(entry->port);
  if (port.preferred == nullptr) port.preferred = &settings;
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

std::optional<BackendProblem> UpstreamBook::breach(Port& port) {
  if (port.kept_private)
    return BackendProblem{
        kPrivateBackend,
        fmt::format("Service {} is private: a token is asked of it, and no route may reach it",
                    port.key)};
  if (!port.ref.external_name.empty()) return external_breach(port.ref);
  for (const upstream::SuppliedEndpoint& endpoint : *endpoints_of(port))
    if (private_ways_.lead_over(endpoint.address))
      return BackendProblem{kPrivateBackend,
                            fmt::format("Service {} leads to {}, which is an address of a private "
                                        "Service",
                                        port.key, endpoint.address.to_string())};
  return std::nullopt;
}

UpstreamBook::Variant UpstreamBook::make_variant(Port& port, const UpstreamSettings& settings,
                                                 bool private_) const {
  std::string name = port.key;
  const bool preferred =
      port.preferred == nullptr ? port.variants.empty() : *port.preferred == settings;
  if (!private_ && !preferred) name += ":" + mark_of(settings);
  // Marks are short: somebody may find two settings with the same one.
  const auto taken = [&](const Variant& variant) { return variant.upstream->name == name; };
  while (std::any_of(port.variants.begin(), port.variants.end(), taken)) name += '+';
  for (const Variant& before : port.before) {
    if (before.private_ != private_ || before.upstream->name != name || before.settings != settings)
      continue;
    Variant again = before;
    again.as_asked = &settings;
    return again;
  }
  auto upstream =
      std::make_shared<const config::Upstream>(upstream_of(name, port.ref, settings, private_));
  return {settings, &settings, private_, std::move(upstream),
          std::make_shared<const Answer>(std::move(name))};
}

UpstreamBook::AnswerPtr UpstreamBook::name_of(const std::shared_ptr<Port>& shared,
                                              const UpstreamSettings& settings, bool private_) {
  Port& port = *shared;
  for (const Variant& variant : port.variants)
    if (variant.private_ == private_ &&
        (variant.as_asked == &settings || variant.settings == settings))
      return variant.answer;
  const Variant& made = port.variants.emplace_back(make_variant(port, settings, private_));
  upstreams_.push_back(made.upstream);
  if (port.ref.external_name.empty()) sources_.push_back({made.upstream, shared, private_});
  return made.answer;
}

UpstreamBook::AnswerPtr UpstreamBook::use(const Entry& entry, const UpstreamSettings& settings) {
  if (entry->refusal) return entry->refusal;
  Port& port = today(entry->port);
  if (!std::exchange(port.judged, true))
    if (auto problem = breach(port)) port.problem = refusal(std::move(*problem));
  if (!port.problem) return name_of(entry->port, settings, false);
  refused_any_ = true;
  return port.problem;
}

UpstreamBook::AnswerPtr UpstreamBook::use_private(const Entry& entry,
                                                  const UpstreamSettings& settings) {
  if (entry->refusal) return entry->refusal;
  today(entry->port);
  return name_of(entry->port, settings, true);
}

void UpstreamBook::finish(Translation& translation) {
  if (upstreams_ != upstreams_before_) {
    auto sorted = upstreams_;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a->name < b->name; });
    sorted_.clear();
    for (auto& each : sorted) sorted_.push_back(std::move(each));
  }
  translation.upstreams = sorted_;
  for (const Source& source : sources_)
    translation.endpoints.emplace(source.upstream->name, endpoints_of(*source.port));
  translation.reserved = private_ways_.addresses;
  std::erase_if(written_, [](const auto& each) { return each.second.use_count() == 1; });
  std::erase_if(by_key_, [](const auto& each) { return each.second.use_count() == 1; });
  for (auto& [key, port] : by_key_) port->before = {};
}

}  // namespace gateway::kubernetes
