#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/result.h"
#include "gateway/config/environment.h"

namespace gateway::kubernetes {

/// Text that stands in a file, which may change, or was given in place. Neither: there is none.
struct Material {
  std::string file;
  std::string text;
  std::string origin;  ///< for errors: "client-key-data of the user admin"

  bool empty() const { return file.empty() && text.empty(); }
  /// Its content now; empty when there is none. The error never quotes it. Blocks on files.
  Result<std::string> read() const;
};

/// Where the API server is, how it proves itself to us, and who we are. Plain data.
struct ClusterAccess {
  std::string host;  ///< an address without brackets, or a DNS name
  std::uint16_t port = 443;
  std::string base_path;    ///< before every path, without a slash at its end; mostly empty
  bool tls = true;          ///< false only towards a loopback address
  std::string server_name;  ///< SNI and verified name
  Material ca;              ///< empty: the system's authorities
  Material certificate;     ///< for mutual TLS, with `key`; or both empty
  Material key;
  Material token;              ///< the bearer's; may be empty
  std::string namespace_name;  ///< where we live, or what the context says; "default" else
  std::string origin;          ///< for the log: "the service account", or the kubeconfig's path

  /// "https://10.0.0.1:443", for logs.
  std::string server() const;
};

/// What decides how to reach the API server.
struct AccessSources {
  std::string kubeconfig;           ///< of the flag; empty: KUBECONFIG
  config::Environment environment;  ///< never null
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};

/// The flag's kubeconfig, else that of KUBECONFIG, else the pod's service account. The error says
/// what is wrong, where (file:line:column), and how to mend it. Blocks on files: start-up only.
Result<ClusterAccess> find_cluster_access(const AccessSources& sources);

/// A pod's own way: KUBERNETES_SERVICE_HOST and _PORT, and the files of its service account.
Result<ClusterAccess> service_account_access(const config::Environment& environment,
                                             const std::string& folder);

}  // namespace gateway::kubernetes
