#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/kubernetes/annotation_values.h"
#include "gateway/kubernetes/objects.h"
#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::kubernetes {

/// A port of a Service.
struct ServiceRef {
  ObjectName service;
  std::string port;  ///< number or name, as written
  /// "namespace/name:port".
  std::string key() const { return service.to_string() + ":" + port; }
  auto operator<=>(const ServiceRef&) const = default;
};

/// What an Ingress asks of the upstreams that it names.
struct UpstreamSettings {
  config::PolicySettings balancer{"least_request", {}};
  bool tls = false;
  bool verify = true;
  std::string server_name;  ///< empty: SERVICE.NAMESPACE.svc
  config::Rare<config::UpstreamPem> pem;
  Duration connect = std::chrono::seconds(5);
  config::Retries retries;
  std::optional<config::ActiveHealth> active_health;
  Duration slow_start{};
  Duration tunnel_idle = config::UpstreamTimeouts().tunnel_idle;
  bool operator==(const UpstreamSettings&) const = default;
};

struct Canary {
  std::string header;
  std::string header_value;
  std::string header_pattern;
  std::string cookie;
  std::uint32_t weight = 0;
  std::uint32_t weight_total = 100;
  bool operator==(const Canary&) const = default;
};

/// An upstream that a filter asks.
struct AskedService {
  ServiceRef service;
  bool private_ = false;
  UpstreamSettings settings;
  std::string filter;  ///< whose option `upstream` names it
  bool operator==(const AskedService&) const = default;
};

/// Clients must show a certificate: all clients of a host, since TLS asks before it knows a path.
struct CertificateDemand {
  /// client_certificate; nothing while its authorities cannot be had.
  std::optional<config::PolicySettings> filter;
  bool operator==(const CertificateDemand&) const = default;
};

/// What the annotations of one Ingress mean for its routes.
struct IngressPlan {
  std::vector<config::PolicySettings> filters;  ///< all but header_edits and client_certificate
  std::optional<CertificateDemand> client_certificate;
  std::map<std::string, std::string> request_headers;
  std::map<std::string, std::string> response_headers;
  std::string hsts;  ///< value of Strict-Transport-Security; empty: none
  std::vector<AskedService> asked;
  UpstreamSettings upstream;
  Duration read_timeout = std::chrono::seconds(60);
  std::optional<Canary> canary;
  config::Rare<config::Redirect> redirect;  ///< instead of the backends
  bool redirect_keeps_path = false;
  bool ssl_redirect = true;
  bool force_ssl_redirect = false;
  bool www_redirect = false;
  bool global_policies = true;
  std::string app_root;
  std::vector<std::string> aliases;
  std::string rewrite_target;
  bool use_regex = false;
  std::string upstream_host;
  /// Not empty: what should protect the paths cannot be had (a Secret is missing), so they answer
  /// 503.
  std::string unusable;
  bool operator==(const IngressPlan&) const = default;
};

using PlanPtr = std::shared_ptr<const IngressPlan>;

/// What was read beside an Ingress, null for what was sought in vain: what came of it is good for
/// as long as the store says the same.
struct ReadBeside {
  std::map<ObjectName, std::shared_ptr<const Secret>> secrets;
  std::map<ObjectName, std::shared_ptr<const ConfigMap>> config_maps;
  bool empty() const { return secrets.empty() && config_maps.empty(); }
  bool operator==(const ReadBeside&) const = default;
};

/// A plan, or why there is none. Sentences for the owner.
struct PlanOutcome {
  PlanPtr plan;  ///< never null once planned; shared by Ingresses that ask for the same
  std::vector<std::string> refusals;
  std::vector<std::string> warnings;
  config::Rare<ReadBeside> read;  ///< few Ingresses name any

  const ReadBeside& beside() const {
    static const ReadBeside nothing;
    return read ? *read : nothing;
  }
  ReadBeside& own_read() { return read ? *read : read.emplace(); }
};

/// Whether planning again would come to the same.
bool is_current(const PlanOutcome& outcome, const Store& store);

PlanOutcome plan_ingress(const Ingress& ingress, const Store& store,
                         const TranslatorSettings& settings);

/// What the parts of plan_ingress() share. Each reads its annotations and adds to the outcome.
struct Planning {
  const Ingress& ingress;
  const AnnotationValues& values;
  const Store& store;  ///< through secret() and config_map(), which keep account
  const TranslatorSettings& settings;
  IngressPlan& made;
  PlanOutcome& outcome;

  IngressPlan& plan() { return made; }
  std::shared_ptr<const Secret> secret(const ObjectName& name);
  const ConfigMap* config_map(const ObjectName& name);
  void refuse(std::string_view key, std::string_view why);
  /// Adds a filter; refuses the object, in the name of `key`, when there is no such filter yet, it
  /// does not know one of the options or does not take one.
  void add_filter(std::string_view key, std::string_view type, config::Value::Map options);
  /// Likewise, of contents of a Secret: what the filter cannot take leaves the paths unusable.
  void add_protection(std::string_view key, std::string_view type, config::Value::Map options);
  /// The object that an annotation names, in the Ingress's own namespace unless others may be
  /// named; nothing (and a refusal) for one elsewhere.
  std::optional<ObjectName> reference(std::string_view key);
  /// The Secret that an annotation names; null, and unusable paths, when it cannot be had.
  std::shared_ptr<const Secret> needed_secret(std::string_view annotation);
};

void plan_routing(Planning& planning);
void plan_error_pages(Planning& planning);
void plan_redirects(Planning& planning);
void plan_canary(Planning& planning);
void plan_access(Planning& planning);
/// Whether anything is said about certificates of clients, right or wrong.
bool asks_for_certificates(const Ingress& ingress);
void plan_external_auth(Planning& planning);
void plan_cors(Planning& planning);
void plan_limits(Planning& planning);
void plan_upstream(Planning& planning);

/// A filter with defaults filled; the error is a sentence.
tl::expected<config::PolicySettings, std::string> make_filter(std::string_view type,
                                                              config::Value::Map options);
/// Likewise a balancer.
tl::expected<config::PolicySettings, std::string> make_balancer(std::string_view type,
                                                                config::Value::Map options);
/// The filter that edits headers; null when there is nothing to edit.
std::shared_ptr<const config::PolicySettings> header_edits(
    const std::map<std::string, std::string>& request,
    const std::map<std::string, std::string>& response);

/// What a Secret holds under a key: its own text, however many Ingresses name it.
config::SharedText secret_text(const std::shared_ptr<const Secret>& secret, std::string_view key);

/// "name:port" within a namespace.
ServiceRef service_ref(std::string_view text, const std::string& namespace_);

}  // namespace gateway::kubernetes
