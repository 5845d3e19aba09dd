#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
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
  bool operator==(const BackendProblem&) const = default;
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

  /// The settings with which the Service has its plain name; the first call counts. They must
  /// outlive the book.
  void prefer(const ServiceRef& ref, const UpstreamSettings& settings);

  /// The name of the upstream: "namespace/name:80" with the settings that were preferred, with a
  /// mark of the settings behind it with others.
  tl::expected<std::string, BackendProblem> use(const ServiceRef& ref,
                                                const UpstreamSettings& settings);
  tl::expected<std::string, BackendProblem> use_private(const ServiceRef& ref,
                                                        const UpstreamSettings& settings);

  const std::vector<EndpointSource>& sources() const { return sources_; }
  const std::vector<ServicePortRef>& private_ports() const { return private_ports_; }
  /// Some Service was refused for privacy's sake.
  bool refused_any() const { return refused_any_; }
  /// Last of all.
  void finish(Translation& translation);

 private:
  struct Variant {
    UpstreamSettings settings;
    bool private_;
    std::string name;
  };
  /// A port of a Service, however it was written.
  struct Port {
    ServicePortRef ref;
    std::string key;
    bool kept_private = false;
    const UpstreamSettings* preferred = nullptr;
    std::vector<Variant> variants;
    bool judged = false;
    std::optional<BackendProblem> problem;  ///< why no route may reach it
    std::vector<upstream::SuppliedEndpoint> endpoints;
  };
  /// What became of a name as it was written.
  struct Written {
    Port* port = nullptr;
    std::string problem;
  };
  struct HashOf {
    std::size_t operator()(const ServiceRef& ref) const;
  };

  const Written& find(const ServiceRef& ref);
  tl::expected<Port*, BackendProblem> usable(const ServiceRef& ref);
  std::optional<BackendProblem> breach(const Port& port) const;
  std::optional<BackendProblem> external_breach(const ServicePortRef& port) const;
  std::string name_of(Port& port, const UpstreamSettings& settings, bool private_);

  const ServiceIndex& services_;
  const TranslatorSettings& settings_;
  WaysIn private_ways_;
  std::set<ObjectName> private_services_;
  std::vector<ServicePortRef> private_ports_;
  std::deque<Port> ports_;
  std::unordered_map<std::string, Port*> by_key_;
  std::unordered_map<ServiceRef, Written, HashOf> written_;
  std::vector<config::Upstream> upstreams_;
  std::vector<EndpointSource> sources_;
  bool refused_any_ = false;
};

}  // namespace gateway::kubernetes
