#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/kubernetes/notice.h"
#include "gateway/kubernetes/objects.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::kubernetes {

inline constexpr std::string_view kControllerName = "gateway.ingress/controller";
inline constexpr std::string_view kIngressNginxController = "k8s.io/ingress-nginx";

/// What the command line and the gateway's own configuration say.
struct TranslatorSettings {
  std::string controller = std::string(kControllerName);
  std::vector<std::string> also_controllers;  ///< whose classes are ours too
  std::vector<std::string> also_classes;      ///< names of classes that are ours whoever's they are
  bool classless = false;                     ///< Ingresses that name no class are ours
  /// Listeners by name: where http:// and https:// come in.
  std::vector<std::string> plain_listeners;
  std::vector<std::string> tls_listeners;
  /// A trusted proxy may say which of both a client came by. Without it, and listeners of one kind
  /// alone, nothing is redirected to https.
  bool told_schemes = false;
  std::optional<ObjectName> default_certificate;
  std::string default_backend;  ///< "namespace/name:port"; empty: 404
  bool allow_external_names = false;
  bool allow_foreign_secrets = false;  ///< and ConfigMaps
  bool ssl_redirect = true;            ///< where the annotation is left out
  bool hsts = true;                    ///< likewise
  bool ingress_nginx_paths = false;    ///< one regular expression makes them of a whole host
};

/// Where a route comes from, for metrics and status.
struct RouteOrigin {
  ObjectName ingress;
  ObjectName service;  ///< empty where it does not forward
  /// A login that is asked for on every route is not asked for here: below
  /// /.well-known/acme-challenge, or as its Ingress says.
  bool open = false;
  auto operator<=>(const RouteOrigin&) const = default;
};

using EndpointLists = std::map<std::string, upstream::SuppliedEndpoints, std::less<>>;

/// The objects that Ingresses of ours name, whether they are there or not: nothing else of their
/// kinds need be read.
struct References {
  std::set<ObjectName> certificates;  ///< Secrets of `tls`, and that of the default certificate
  std::set<ObjectName> secrets;       ///< others
  std::set<ObjectName> config_maps;
  bool operator==(const References&) const = default;
};

/// What a Store means. Equal stores give equal translations, whatever the order in which their
/// objects came (but see Translator about refused objects).
struct Translation {
  /// Names are unique; all rules of config::check_model() are kept.
  config::SharedList<config::Route> routes;
  config::SharedList<RouteOrigin> origins;  ///< parallel to `routes`
  config::SharedList<config::Upstream> upstreams;
  /// For every TLS listener, the default first if `has_default_certificate`; if not, whoever
  /// serves needs one of its own to put before them, or hosts without a certificate would be
  /// shown that of another.
  std::vector<config::CertificateSource> certificates;
  bool has_default_certificate = false;
  EndpointLists endpoints;           ///< of discovered upstreams
  std::set<SocketAddress> reserved;  ///< addresses of private upstreams
  std::vector<Notice> notices;       ///< sorted, each once
  /// Ingresses of our classes: their status is ours to write. Never null.
  std::shared_ptr<const std::set<ObjectName>> ours = std::make_shared<const std::set<ObjectName>>();
  References references;
};

}  // namespace gateway::kubernetes
