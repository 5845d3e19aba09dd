#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

/// The upstreams of a translation, made as they are asked for: the same questions in the same order
/// make the same. Services that somebody keeps private must be told before any other is used: after
/// that, whatever has one of their addresses, under whichever name, is refused.
///
/// What was read of Services and their endpoints is kept between translations for as long as they
/// are the same objects; so is an upstream that is made with equal settings again.
class UpstreamBook {
 public:
  /// The name of an upstream, or why there is none.
  using Answer = tl::expected<std::string, BackendProblem>;
  using AnswerPtr = std::shared_ptr<const Answer>;

 private:
  struct Variant {
    UpstreamSettings settings;
    const UpstreamSettings* as_asked;  ///< equal ones; they outlive the translation
    bool private_;
    std::shared_ptr<const config::Upstream> upstream;
    AnswerPtr answer;
  };
  /// A port of a Service, however it was written.
  struct Port {
    ServicePortRef ref;
    std::string key;
    // Of the last look at the Services.
    std::uint64_t read_at = 0;
    std::shared_ptr<const Service> service;
    std::vector<std::shared_ptr<const EndpointSlice>> slices;
    upstream::SuppliedEndpoints endpoints;
    // Of one translation.
    std::uint64_t translation = 0;
    bool kept_private = false;
    const UpstreamSettings* preferred = nullptr;
    bool judged = false;
    AnswerPtr problem;  ///< why no route may reach it
    std::vector<Variant> variants;
    std::vector<Variant> before;  ///< those of the translation before
  };
  /// What became of a name as it was written.
  struct Written {
    ServiceRef ref;
    std::shared_ptr<Port> port;
    AnswerPtr refusal;
  };

 public:
  /// A port of a Service as somebody wrote it: whoever holds it need not look it up again.
  using Entry = std::shared_ptr<const Written>;
  /// Where the endpoints of a discovered upstream come from.
  struct Source {
    std::shared_ptr<const config::Upstream> upstream;
    std::shared_ptr<Port> port;
    bool private_ = false;
    const ServicePortRef& ref() const { return port->ref; }
  };

  explicit UpstreamBook(const TranslatorSettings& settings) : settings_(settings) {}

  /// Looks at the Services of the store, which must stay where it is until the next look.
  void look(const Store& store);
  const ServiceIndex& services() const { return services_; }

  /// The next translation.
  void begin();
  Entry find(const ServiceRef& ref);

  /// Nobody but filters that keep it so may use it.
  void keep_private(const Entry& entry);
  /// The settings with which the Service has its plain name; the first call counts. They must
  /// outlive the translation.
  void prefer(const Entry& entry, const UpstreamSettings& settings);

  /// The name of the upstream: "namespace/name:80" with the settings that were preferred, with a
  /// mark of the settings behind it with others. The settings must outlive the translation.
  AnswerPtr use(const Entry& entry, const UpstreamSettings& settings);
  AnswerPtr use_private(const Entry& entry, const UpstreamSettings& settings);

  /// Of the last translation.
  const std::vector<Source>& sources() const { return sources_; }
  const std::vector<ServicePortRef>& private_ports() const { return private_ports_; }
  /// Some Service was refused for privacy's sake.
  bool refused_any() const { return refused_any_; }
  /// The endpoints of a source, as of the last look.
  const upstream::SuppliedEndpoints& endpoints(const Source& source) {
    return endpoints_of(*source.port);
  }
  /// Last of all. Forgets what nobody holds.
  void finish(Translation& translation);

 private:
  struct HashOf {
    std::size_t operator()(const ServiceRef& ref) const;
  };

  void resolve(Written& written);
  Port& today(const std::shared_ptr<Port>& port) const;
  const upstream::SuppliedEndpoints& endpoints_of(Port& port);
  std::optional<BackendProblem> breach(Port& port);
  std::optional<BackendProblem> external_breach(const ServicePortRef& port) const;
  AnswerPtr name_of(const std::shared_ptr<Port>& port, const UpstreamSettings& settings,
                    bool private_);
  Variant make_variant(Port& port, const UpstreamSettings& settings, bool private_) const;

  const TranslatorSettings& settings_;
  ServiceIndex services_;
  std::uint64_t look_ = 0;
  std::uint64_t translation_ = 0;
  std::unordered_map<std::string, std::shared_ptr<Port>> by_key_;
  std::unordered_map<ServiceRef, std::shared_ptr<Written>, HashOf> written_;
  // Of one translation.
  WaysIn private_ways_;
  std::set<ObjectName> private_services_;
  std::vector<ServicePortRef> private_ports_;
  std::vector<std::shared_ptr<const config::Upstream>> upstreams_;  ///< as they were asked for
  std::vector<Source> sources_;
  bool refused_any_ = false;
  // Of the translation before.
  std::vector<std::shared_ptr<const config::Upstream>> upstreams_before_;
  config::SharedList<config::Upstream> sorted_;
};

}  // namespace gateway::kubernetes
