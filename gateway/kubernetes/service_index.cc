#include "gateway/kubernetes/service_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace gateway::kubernetes {
namespace {

std::uint16_t port_number(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? number : std::uint16_t{0};
}

const ServicePort* find_port(const Service& service, const std::string& wanted) {
  const std::uint16_t number = port_number(wanted);
  for (const ServicePort& port : service.ports) {
    if (port.protocol != "TCP") continue;
    if (number != 0 ? port.port == number : port.name == wanted) return &port;
  }
  return nullptr;
}

using ServiceKey = std::pair<std::string_view, std::string_view>;

ServiceKey service_key(const EndpointSlice& slice) {
  return {slice.meta.namespace_, slice.service};
}

// True when all are the objects that are known.
template <typename T>
bool take_new(const ObjectTable<T>& table, std::vector<std::shared_ptr<const T>>& known) {
  const auto& all = table.all();
  if (std::equal(all.begin(), all.end(), known.begin(), known.end(),
                 [](const auto& each, const auto& before) { return each.second == before; }))
    return true;
  known.clear();
  known.reserve(all.size());
  for (const auto& [name, object] : all) known.push_back(object);
  return false;
}

// A pod of a Service of both families stands in slices of both: it must not count twice.
bool of_family(const EndpointSlice& slice, std::string_view family) {
  return family.empty() || slice.address_type == family;
}

}  // namespace

std::string without_last_dot(std::string_view host) {
  return std::string(host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0)));
}

ServiceIndex::News ServiceIndex::look(const Store& store) {
  store_ = &store;
  News news;
  news.services = !take_new(store.table<Service>(), services_);
  news.slices = !take_new(store.table<EndpointSlice>(), all_);
  if (!news.slices) return news;
  slices_.clear();
  for (const auto& slice : all_)
    if (!slice->service.empty()) slices_.push_back(slice);
  std::stable_sort(slices_.begin(), slices_.end(),
                   [](const auto& a, const auto& b) { return service_key(*a) < service_key(*b); });
  return news;
}

ServiceIndex::Slices ServiceIndex::slices_of(const ObjectName& service) const {
  const ServiceKey key(service.namespace_, service.name);
  const auto first = std::partition_point(
      slices_.begin(), slices_.end(), [&](const auto& each) { return service_key(*each) < key; });
  const auto last = std::find_if(first, slices_.end(),
                                 [&](const auto& each) { return service_key(*each) != key; });
  return {first, last};
}

tl::expected<ServicePortRef, std::string> ServiceIndex::resolve(const ServiceRef& ref) const {
  const Service* service = find(ref.service);
  if (service == nullptr)
    return tl::make_unexpected(fmt::format("there is no Service {}", ref.service.to_string()));
  if (service->type == "ExternalName") {
    ServicePortRef found{ref.service, {}, port_number(ref.port), service->external_name};
    if (const ServicePort* port = find_port(*service, ref.port)) {
      found.port_name = port->name;
      found.port = port->port;
    }
    if (found.port != 0) return found;
  }
  const ServicePort* port = find_port(*service, ref.port);
  if (ref.port.empty() && service->ports.size() == 1) port = service->ports.data();
  if (port == nullptr)
    return tl::make_unexpected(
        fmt::format("Service {} has no TCP port '{}'", ref.service.to_string(), ref.port));
  return ServicePortRef{ref.service, port->name, port->port, {}};
}

template <typename Visit>
void ServiceIndex::each_endpoint(const ServicePortRef& port, Visit visit) const {
  for (const auto& slice : slices_of(port.service)) {
    for (const SlicePort& each : slice->ports) {
      if (each.name != port.port_name || each.port == 0) continue;
      for (const SliceEndpoint& endpoint : slice->endpoints) visit(*slice, each.port, endpoint);
    }
  }
}

std::vector<upstream::SuppliedEndpoint> ServiceIndex::endpoints(const ServicePortRef& port) const {
  const Service* service = find(port.service);
  const std::string family =
      service == nullptr || service->ip_families.size() < 2 ? "" : service->ip_families.front();
  const auto collect = [&](std::string_view only, auto&& admits) {
    std::vector<upstream::SuppliedEndpoint> found;
    each_endpoint(
        port, [&](const EndpointSlice& slice, std::uint16_t number, const SliceEndpoint& endpoint) {
          if (!of_family(slice, only) || !admits(endpoint) || endpoint.addresses.empty()) return;
          // All addresses of an endpoint are the same; consumers take the first.
          if (const auto ip = IpAddress::parse(endpoint.addresses.front()))
            found.push_back({SocketAddress(*ip, number), 1, endpoint.target_uid});
        });
    std::sort(found.begin(), found.end());
    const auto last = std::unique(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.address == b.address;
    });
    found.erase(last, found.end());
    return found;
  };
  const auto ready = [](const SliceEndpoint& e) { return e.ready && !e.terminating; };
  // Ready and ending at once are pods of a Service that publishes those which are not ready.
  const auto ending = [](const SliceEndpoint& e) { return e.serving || e.ready; };
  for (const std::string& only : {family, std::string()}) {
    if (auto found = collect(only, ready); !found.empty()) return found;
    if (auto found = collect(only, ending); !found.empty()) return found;
  }
  return {};
}

void ServiceIndex::add_pods(const ServicePortRef& port, PodAddresses& to) const {
  each_endpoint(
      port, [&](const EndpointSlice& slice, std::uint16_t number, const SliceEndpoint& endpoint) {
        if (endpoint.pod.empty() || endpoint.addresses.empty()) return;
        if (const auto ip = IpAddress::parse(endpoint.addresses.front()))
          to[{slice.meta.namespace_, endpoint.pod}].emplace(*ip, number);
      });
}

void ServiceIndex::add_ways(const ServicePortRef& port, WaysIn& to) const {
  each_endpoint(port,
                [&](const EndpointSlice&, std::uint16_t number, const SliceEndpoint& endpoint) {
                  for (const std::string& address : endpoint.addresses)
                    if (const auto ip = IpAddress::parse(address))
                      to.addresses.emplace(*ip, number);
                });
  if (!port.external_name.empty()) to.names.insert(without_last_dot(port.external_name));
  const Service* service = find(port.service);
  if (service == nullptr) return;
  for (const auto* list : {&service->cluster_ips, &service->external_ips})
    for (const std::string& address : *list)
      if (const auto ip = IpAddress::parse(address)) to.addresses.emplace(*ip, port.port);
  for (const std::string& name : service->external_hosts) to.names.insert(without_last_dot(name));
  for (const ServicePort& each : service->ports)
    if (each.port == port.port && each.node_port != 0) to.node_ports.insert(each.node_port);
}

}  // namespace gateway::kubernetes
