#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/kubernetes/ingress_plan.h"
#include "gateway/kubernetes/store.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::kubernetes {

/// A port of a Service that exists.
struct ServicePortRef {
  ObjectName service;
  std::string port_name;
  std::uint16_t port = 0;
  std::string external_name;  ///< not empty: the Service stands for a name outside
  /// "namespace/name:80", the same however the port was written.
  std::string key() const { return service.to_string() + ":" + std::to_string(port); }
  auto operator<=>(const ServicePortRef&) const = default;
};

/// "a.example" of "a.example.", which is the same name.
std::string without_last_dot(std::string_view host);

/// All that leads to some ports of Services.
struct WaysIn {
  /// Of endpoints in any condition, and the Services' own: cluster, external, of load balancers.
  std::set<SocketAddress> addresses;
  /// Node ports: on whatever address, since the nodes are not read. A pod that happens to listen on
  /// such a number is taken for a node. Ports that a pod takes from its node (hostPort) are not
  /// seen.
  std::set<std::uint16_t> node_ports;
  std::set<std::string, std::less<>>
      names;  ///< of load balancers and of ExternalNames, no dot last

  bool lead_over(const SocketAddress& address) const {
    return addresses.contains(address) || node_ports.contains(address.port());
  }
};

/// Where pods are reached, by namespace and name.
using PodAddresses = std::map<ObjectName, std::set<SocketAddress>>;

/// Services with their EndpointSlices, as they were at the last look at a store.
class ServiceIndex {
 public:
  using Slices = std::span<const std::shared_ptr<const EndpointSlice>>;
  /// What a look found to differ from the one before.
  struct News {
    bool services = false;
    bool slices = false;
  };

  ServiceIndex() = default;
  explicit ServiceIndex(const Store& store) { look(store); }
  /// The store must stay where it is until the next look.
  News look(const Store& store);

  const Service* find(const ObjectName& name) const { return store_->find<Service>(name); }
  std::shared_ptr<const Service> share(const ObjectName& name) const {
    return store_->share<Service>(name);
  }
  Slices slices_of(const ObjectName& service) const;

  /// The error is a sentence.
  tl::expected<ServicePortRef, std::string> resolve(const ServiceRef& ref) const;

  /// Where requests may go now: the ready endpoints; when there are none, those that still serve
  /// while they end. Sorted, each address once.
  std::vector<upstream::SuppliedEndpoint> endpoints(const ServicePortRef& port) const;

  /// The pods behind it in any condition, each with the address that endpoints() would have of it.
  void add_pods(const ServicePortRef& port, PodAddresses& to) const;

  /// Everything that may ever lead to it.
  void add_ways(const ServicePortRef& port, WaysIn& to) const;

 private:
  template <typename Visit>
  void each_endpoint(const ServicePortRef& port, Visit visit) const;

  const Store* store_ = nullptr;
  std::vector<std::shared_ptr<const Service>> services_;
  std::vector<std::shared_ptr<const EndpointSlice>> all_;     ///< in the order of the store
  std::vector<std::shared_ptr<const EndpointSlice>> slices_;  ///< by namespace and Service
};

}  // namespace gateway::kubernetes
