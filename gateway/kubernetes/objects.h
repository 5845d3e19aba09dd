#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/rare.h"

/// The objects of the Kubernetes API that the controller reads, with the fields that it uses.
/// `parse` takes one object as JSON, passes over fields that it does not know and refuses known
/// ones of another shape.
namespace gateway::kubernetes {

struct ObjectName {
  std::string namespace_;  ///< empty for what belongs to no namespace
  std::string name;
  /// "namespace/name", or the name alone.
  std::string to_string() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
  auto operator<=>(const ObjectName&) const = default;
};

using Texts = std::map<std::string, std::string, std::less<>>;

/// Nothing of it changes but with what we read: versions and generations are the watch's.
struct ObjectMeta {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string created;  ///< RFC 3339 in UTC, so that order of text is order of time
  Texts annotations;    ///< those that may concern us

  ObjectName object_name() const { return {namespace_, name}; }
  bool operator==(const ObjectMeta&) const = default;
};

/// What a path of an Ingress leads to. A port by name or by number; `resource`: it names another
/// kind of object, which we cannot serve.
struct Backend {
  std::string service;
  std::string port;
  std::string resource;
  bool operator==(const Backend&) const = default;
};

enum class PathType : std::uint8_t { exact, prefix, implementation_specific };

struct IngressPath {
  std::string path;
  PathType type = PathType::implementation_specific;
  Backend backend;
  bool operator==(const IngressPath&) const = default;
};

struct IngressRule {
  std::string host;
  std::vector<IngressPath> paths;
  bool operator==(const IngressRule&) const = default;
};

struct IngressTls {
  std::vector<std::string> hosts;
  std::string secret;
  bool operator==(const IngressTls&) const = default;
};

struct Ingress {
  ObjectMeta meta;
  std::optional<std::string> class_name;
  config::Rare<Backend> default_backend;
  std::vector<IngressTls> tls;
  std::vector<IngressRule> rules;
  static Result<Ingress> parse(std::string_view json);
  bool operator==(const Ingress&) const = default;
};

struct IngressClass {
  ObjectMeta meta;
  std::string controller;
  std::optional<ObjectName> parameters;  ///< a ConfigMap; other kinds are passed over
  bool is_default() const;
  static Result<IngressClass> parse(std::string_view json);
  bool operator==(const IngressClass&) const = default;
};

struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::string protocol = "TCP";
  std::uint16_t node_port = 0;
  bool operator==(const ServicePort&) const = default;
};

struct Service {
  ObjectMeta meta;
  std::string type = "ClusterIP";
  std::vector<std::string> cluster_ips;     ///< "None" alone: headless
  std::vector<std::string> external_ips;    ///< those of the load balancer too
  std::vector<std::string> external_hosts;  ///< names of the load balancer
  std::vector<std::string> ip_families;     ///< the first is the one to prefer
  std::vector<ServicePort> ports;
  std::string external_name;
  bool headless() const { return !cluster_ips.empty() && cluster_ips.front() == "None"; }
  static Result<Service> parse(std::string_view json);
  bool operator==(const Service&) const = default;
};

struct SlicePort {
  std::string name;
  std::uint16_t port = 0;
  bool operator==(const SlicePort&) const = default;
};

/// Conditions as consumers read them: an unknown readiness is ready, what says nothing of serving
/// serves when it is ready.
struct SliceEndpoint {
  std::vector<std::string> addresses;
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  std::string target_uid;
  std::string pod = {};  ///< of the slice's namespace; empty: it is none
  bool operator==(const SliceEndpoint&) const = default;
};

struct EndpointSlice {
  ObjectMeta meta;
  std::string service;  ///< of the same namespace; empty: nobody's
  std::string address_type;
  std::vector<SlicePort> ports;
  std::vector<SliceEndpoint> endpoints;
  static Result<EndpointSlice> parse(std::string_view json);
  bool operator==(const EndpointSlice&) const = default;
};

struct Secret {
  ObjectMeta meta;
  std::string type;
  Texts data;  ///< decoded; only keys that we read
  const std::string& value(std::string_view key) const;
  static Result<Secret> parse(std::string_view json);
  bool operator==(const Secret&) const = default;
};

struct ConfigMap {
  ObjectMeta meta;
  Texts data;
  static Result<ConfigMap> parse(std::string_view json);
  bool operator==(const ConfigMap&) const = default;
};

}  // namespace gateway::kubernetes
