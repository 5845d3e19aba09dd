#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/kubernetes/ingress_class.h"
#include "gateway/kubernetes/notice.h"
#include "gateway/kubernetes/prepared_ingress.h"

namespace gateway::kubernetes {

/// One path of one host, and who claimed it first. Points into Ingresses, which outlive it.
struct Location {
  const PathPattern* pattern = nullptr;
  const PreparedIngress* owner = nullptr;
  const Backend* backend = nullptr;
  const PreparedIngress* canary = nullptr;
  const Backend* canary_backend = nullptr;
  /// What clients must show, as settle_client_certificates() found.
  std::optional<config::PolicySettings> client_certificate = {};
  bool shut = false;  ///< that cannot be had: 503
  bool operator==(const Location&) const = default;
};

/// What all Ingresses together say of one host.
struct HostPlan {
  const PreparedIngress* first = nullptr;  ///< the oldest that names it
  std::vector<Location> locations;
  /// Index in `locations` by kind and path where they are many, while Ingresses are merged.
  std::map<std::pair<config::PathMatch, std::string_view>, std::size_t> claimed;
  std::vector<std::unique_ptr<PathPattern>> made_patterns;  ///< of no Ingress
  std::vector<std::string> aliases;
  const PreparedIngress* app_root = nullptr;
  const PreparedIngress* www_redirect = nullptr;
  const PreparedIngress* client_certificate = nullptr;  ///< whose demand holds for all of it
  bool has_pattern = false;
  bool compatible = false;  ///< one pattern makes patterns of all paths
  bool tls = false;
};
using HostPlans = std::map<std::string, HostPlan>;  ///< by host; "" is every other

/// Collects notices.
class Notices {
 public:
  /// About an Ingress. The message is cut to what an Event may hold.
  void add(const ObjectMeta& ingress, Severity severity, std::string_view reason,
           std::string message, bool refusal = false);
  void add(Notice notice);
  std::size_t size() const { return notices_.size(); }
  /// Those that were added when there were `size` already.
  std::vector<Notice> since(std::size_t size) const {
    return {notices_.begin() + static_cast<std::ptrdiff_t>(size), notices_.end()};
  }
  /// Sorted, each once.
  std::vector<Notice> take();

 private:
  std::vector<Notice> notices_;
};

/// Merges Ingresses, the oldest first: who claims a path of a host first has it, the others are
/// told.
HostPlans merge_hosts(const std::vector<PreparedPtr>& ingresses, const ClassSelection& classes,
                      Notices& notices);

/// "www.a.example" of "a.example", and the other way.
std::string www_twin(const std::string& host);

}  // namespace gateway::kubernetes
