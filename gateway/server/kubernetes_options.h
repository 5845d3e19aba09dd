#pragma once

#include <string>
#include <vector>

namespace gateway::server {

/// The metrics side of a replica in a cluster. Services and Secret are in its own namespace.
struct MetricsOptions {
  std::string service;  ///< that APIServices name; empty: there is no such side
  std::string peers_service = "gateway-peers";  ///< headless, of all replicas
  std::string secret = "gateway-metrics";
  std::string listen = ":6443";
  std::string peers_listen = ":9903";
  std::string readers_token_file;  ///< of who reads sums without the API server; empty: nobody
  bool external = false;           ///< external.metrics.k8s.io as well
};

/// What the flags say of the cluster to serve. Objects are written as namespace/name.
struct KubernetesOptions {
  std::string kubeconfig;                     ///< file; empty: KUBECONFIG, else the service account
  std::vector<std::string> watch_namespaces;  ///< empty: all
  std::string controller;                     ///< of IngressClasses; empty: ours
  std::vector<std::string> also_classes;
  bool classless = false;
  std::string publish_service;
  std::vector<std::string> publish_addresses;
  std::string default_certificate;
  std::string default_backend;  ///< namespace/name:port
  bool external_names = false;
  bool shadow = false;
  MetricsOptions metrics;
};

}  // namespace gateway::server
