#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
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

/// Services with their EndpointSlices. Made for one look at a store.
class ServiceIndex {
 public:
  explicit ServiceIndex(const Store& store);

  /// The error is a sentence.
  tl::expected<ServicePortRef, std::string> resolve(const ServiceRef& ref) const;

  /// Where requests may go now: the ready endpoints; when there are none, those that still serve
  /// while they end. Sorted, each address once.
  std::vector<upstream::SuppliedEndpoint> endpoints(const ServicePortRef& port) const;

  /// Everything that may ever lead to it: endpoints in any condition, the Service's own addresses.
  void add_addresses(const ServicePortRef& port, std::set<SocketAddress>& to) const;

 private:
  template <typename Visit>
  void each_endpoint(const ServicePortRef& port, Visit visit) const;

  const Store& store_;
  std::map<ObjectName, std::vector<const EndpointSlice*>> slices_;
};

}  // namespace gateway::kubernetes
