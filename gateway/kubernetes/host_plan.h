#pragma once

#include <compare>
#include <cstddef>
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
  config::Rare<config::PolicySettings> client_certificate = {};
  bool shut = false;  ///< that cannot be had: 503
  bool operator==(const Location&) const = default;
};

/// What all Ingresses together say of one host.
struct HostPlan {
  const PreparedIngress* first = nullptr;  ///< the oldest that names it
  std::vector<Location> locations;
  std::vector<std::unique_ptr<PathPattern>> made_patterns;  ///< of no Ingress
  const PreparedIngress* app_root = nullptr;
  const PreparedIngress* wants_www_redirect = nullptr;
  const PreparedIngress* client_certificate = nullptr;  ///< whose demand holds for all of it
  bool has_pattern = false;
  bool compatible = false;  ///< one pattern makes patterns of all paths
  bool tls = false;
  // What other hosts have a say in, as Crossings found.
  std::vector<std::string> aliases;
  const PreparedIngress* www_redirect = nullptr;

  /// Whether both say the same, but for what other hosts have a say in. Ingresses are immutable:
  /// while those of both are held, equal addresses are equal contents.
  bool says_the_same(const HostPlan& other) const;
};

/// Collects notices.
class Notices {
 public:
  /// About an Ingress. The message is cut to what an Event may hold.
  void add(const ObjectMeta& ingress, Severity severity, std::string_view reason,
           std::string message, bool refusal = false);
  void add(Notice notice);
  void add(const std::vector<Notice>& notices) {
    notices_.insert(notices_.end(), notices.begin(), notices.end());
  }
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

/// Merges the Ingresses that name a host, the oldest first: who claims a path first has it, the
/// others are told. Nothing where canaries alone name it, or Ingresses without a path for all
/// hosts.
std::optional<HostPlan> merge_host(const std::string& host,
                                   const std::vector<PreparedPtr>& ingresses,
                                   const ClassSelection& classes, Notices& notices);

/// The hosts that an Ingress has a say in, each once; "": every other.
std::vector<std::string> hosts_named_by(const PreparedIngress& ingress);

/// "www.a.example" of "a.example", and the other way.
std::string www_twin(const std::string& host);

/// A host in a sentence.
std::string shown(const std::string& host);

/// Who claims first; of one age by name.
bool older(const PreparedIngress& a, const PreparedIngress& b);

}  // namespace gateway::kubernetes
