#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/kubernetes/ingress_plan.h"
#include "gateway/kubernetes/service_index.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::kubernetes {

/// Why a Service cannot be an upstream.
struct BackendProblem {
  std::string_view reason;
  std::string message;
};

/// Where the endpoints of a discovered upstream come from.
struct EndpointSource {
  std::string upstream;
  ServicePortRef port;
  bool private_ = false;
};

/// The upstreams of a translation, made as they are asked for. Services that somebody keeps
/// private must be told before any other is used: after that, whatever has one of their addresses,
/// under whichever name, is refused.
class UpstreamBook {
 public:
  UpstreamBook(const ServiceIndex& services, const TranslatorSettings& settings)
      : services_(services), settings_(settings) {}

  /// Nobody but filters that keep it so may use it.
  void keep_private(const ServiceRef& ref);

  /// The settings with which the Service has its plain name; the first call counts.
  void prefer(const ServiceRef& ref, const UpstreamSettings& settings);

  /// The name of the upstream: "namespace/name:80" with the settings that were preferred, with a
  /// mark of the settings behind it with others.
  tl::expected<std::string, BackendProblem> use(const ServiceRef& ref,
                                                const UpstreamSettings& settings);
  tl::expected<std::string, BackendProblem> use_private(const ServiceRef& ref,
                                                        const UpstreamSettings& settings);

  const std::set<SocketAddress>& reserved() const { return reserved_; }
  const std::vector<EndpointSource>& sources() const { return sources_; }
  const std::vector<ServicePortRef>& private_ports() const { return private_ports_; }
  /// Some Service was refused for privacy's sake.
  bool refused_any() const { return refused_any_; }
  void finish(Translation& translation);

 private:
  struct Variant {
    UpstreamSettings settings;
    bool private_;
    std::string name;
  };
  using Found = tl::expected<ServicePortRef, BackendProblem>;

  Found resolve(const ServiceRef& ref) const;
  std::optional<BackendProblem> breach(const ServicePortRef& port);
  std::optional<BackendProblem> external_breach(const ServicePortRef& port) const;
  std::string name_of(const ServicePortRef& port, const UpstreamSettings& settings, bool private_);

  const ServiceIndex& services_;
  const TranslatorSettings& settings_;
  std::set<SocketAddress> reserved_;
  std::set<ObjectName> private_services_;
  std::set<std::string> private_keys_;
  std::set<std::string> private_names_;  ///< outside names
  std::vector<ServicePortRef> private_ports_;
  std::map<std::string, UpstreamSettings> preferred_;     ///< by key of the port
  std::map<std::string, std::vector<Variant>> variants_;  ///< by key of the port
  std::map<std::string, std::vector<upstream::SuppliedEndpoint>> endpoints_;  ///< likewise
  std::map<std::string, std::optional<BackendProblem>> judged_;               ///< likewise
  std::vector<config::Upstream> upstreams_;
  std::vector<EndpointSource> sources_;
  bool refused_any_ = false;
};

}  // namespace gateway::kubernetes
