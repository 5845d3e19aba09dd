#pragma once

#include <string>
#include <vector>

#include "gateway/kubernetes/store.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::bench {

/// How many objects a cluster has. Ingress i has host i, Service i % services, and the certificate
/// i % certificates; certificates are for all hosts of one subdomain.
struct ClusterSize {
  int ingresses = 5000;
  int paths = 1;  ///< of each; with a certificate, a path is two routes: one leads to https
  int services = 1000;
  int endpoints = 5;  ///< of each Service
  int certificates = 500;
  int namespaces = 50;
};

/// The objects of such a cluster. The sizes must divide one another.
class BigCluster {
 public:
  explicit BigCluster(const ClusterSize& size);

  /// As the lists of the first synchronisation would.
  void fill(kubernetes::Store& store) const;

  /// `round` tells one version from another.
  kubernetes::Ingress ingress(int i, int round) const;
  kubernetes::EndpointSlice slice(int i, int round) const;
  kubernetes::Secret secret(int i, int round) const;

  static kubernetes::TranslatorSettings settings();

 private:
  struct Pair {
    std::string certificate;
    std::string key;
  };
  static Pair make_pair(int i);
  std::string namespace_of(int i) const;
  kubernetes::ObjectMeta meta(const std::string& name, int i) const;

  const ClusterSize size_;
  std::vector<Pair> pairs_;
};

}  // namespace gateway::bench
