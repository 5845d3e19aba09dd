#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/kubernetes/objects.h"

namespace gateway::kubernetes {

/// One entry of `status.loadBalancer.ingress`: where clients find what is behind it.
struct LoadBalancerAddress {
  std::string ip;        ///< or, where it has none,
  std::string hostname;  ///< a name
  auto operator<=>(const LoadBalancerAddress&) const = default;

  /// An address, or anything else as a name.
  static LoadBalancerAddress parse(std::string_view text);
};
/// Sorted, each once.
using LoadBalancerAddresses = std::vector<LoadBalancerAddress>;

/// The list in an object of any kind that has one (Service, Ingress), and the object's name. An
/// object that cannot be read has no name.
struct LoadBalancerStatus {
  ObjectName object;
  LoadBalancerAddresses addresses;
  static LoadBalancerStatus read(std::string_view json);
};

/// A merge patch that makes `addresses` the list; an empty one takes it away.
std::string load_balancer_patch(const LoadBalancerAddresses& addresses);

}  // namespace gateway::kubernetes
