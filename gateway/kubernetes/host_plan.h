#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/kubernetes/ingress_class.h"
#include "gateway/kubernetes/notice.h"
#include "gateway/kubernetes/prepared_ingress.h"

namespace gateway::kubernetes {

/// One path of one host, and who claimed it first.
struct Location {
  PathPattern pattern;
  const PreparedIngress* owner = nullptr;
  Backend backend;
  const PreparedIngress* canary = nullptr;
  Backend canary_backend;
};

/// What all Ingresses together say of one host.
struct HostPlan {
  std::vector<Location> locations;
  std::map<std::string, std::size_t> claimed;  ///< index in `locations` by kind and path
  std::vector<std::string> aliases;
  const PreparedIngress* app_root = nullptr;
  const PreparedIngress* www_redirect = nullptr;
  bool has_pattern = false;
  bool compatible = false;  ///< one pattern makes patterns of all paths
  bool tls = false;
};
using HostPlans = std::map<std::string, HostPlan>;  ///< by host; "" is every other

/// Collects notices about Ingresses.
class Notices {
 public:
  void add(const ObjectMeta& ingress, Severity severity, std::string_view reason,
           std::string message, bool refusal = false);
  /// Sorted, each once.
  std::vector<Notice> take();

 private:
  std::vector<Notice> notices_;
};

/// Merges Ingresses, the oldest first: who claims a path of a host first has it, the others are
/// told.
HostPlans merge_hosts(const std::vector<PreparedPtr>& ingresses, const ClassSelection& classes,
                      Notices& notices);

}  // namespace gateway::kubernetes
