#include "gateway/kubernetes/cluster_access.h"

#include <charconv>

#include "gateway/base/address.h"
#include "gateway/base/uri.h"
#include "gateway/config/named_files.h"
#include "gateway/kubernetes/kubeconfig.h"

namespace gateway::kubernetes {
namespace {

/// More than any token, key or bundle of authorities.
constexpr std::size_t kMostBytes = 1U << 20;

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.erase(last == std::string::npos ? 0 : last + 1);
  return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

}  // namespace

Result<std::string> Material::read() const {
  if (file.empty()) return text;
  auto content = config::read_file(file, kMostBytes);
  if (!content) return failure(ErrorCode::io_error, Side::internal, file + ": " + content.error());
  return std::move(*content);
}

std::string ClusterAccess::server() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string text = tls ? "https://" : "http://";
  text.append(v6 ? "[" : "").append(host).append(v6 ? "]:" : ":").append(std::to_string(port));
  return text + base_path;
}

Result<ClusterAccess> find_cluster_access(const AccessSources& sources) {
  if (!sources.kubeconfig.empty()) return read_kubeconfig(sources.kubeconfig);
  if (const auto named = sources.environment("KUBECONFIG"); named && !named->empty()) {
    if (named->find(':') != std::string::npos)
      return invalid_argument(
          "KUBECONFIG names several files, and they are not merged here: name one with "
          "--kubeconfig");
    return read_kubeconfig(*named);
  }
  if (!sources.environment("KUBERNETES_SERVICE_HOST"))
    return invalid_argument(
        "no API server is known: this is no pod (KUBERNETES_SERVICE_HOST is not set), so "
        "name a kubeconfig with --kubeconfig or KUBECONFIG");
  return service_account_access(sources.environment, sources.service_account);
}

Result<ClusterAccess> service_account_access(const config::Environment& environment,
                                             const std::string& folder) {
  ClusterAccess access;
  access.origin = "the service account";
  access.host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("443");
  if (!IpAddress::parse(access.host) && !is_authority(access.host))
    return invalid_argument("KUBERNETES_SERVICE_HOST is neither an address nor a name: \"" +
                            access.host + "\"");
  const auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), access.port, 10);
  if (error != std::errc() || end != port.data() + port.size() || access.port == 0)
    return invalid_argument("KUBERNETES_SERVICE_PORT is no port number: \"" + port + "\"");
  access.server_name = access.host;
  access.ca = {folder + "/ca.crt", {}, "the service account"};
  access.token = {folder + "/token", {}, "the service account"};
  for (const Material* material : {&access.ca, &access.token})
    if (const auto content = material->read(); !content)
      return invalid_argument(
          content.error().detail +
          ": set automountServiceAccountToken: true for the pod, or name a kubeconfig "
          "with --kubeconfig");
  // Absent only where somebody mounts token and authority by hand.
  const auto where = Material{folder + "/namespace", {}, {}}.read();
  access.namespace_name = where ? trimmed(*where) : "";
  if (access.namespace_name.empty()) access.namespace_name = "default";
  return access;
}

}  // namespace gateway::kubernetes
