#include "gateway/kubernetes/kubeconfig.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <span>

#include "gateway/base/address.h"
#include "gateway/base/base64.h"
#include "gateway/base/uri.h"
#include "gateway/config/document.h"
#include "gateway/config/named_files.h"
#include "gateway/config/yaml_reader.h"

namespace gateway::kubernetes {
namespace {

using config::Document;
using config::Node;

/// A key that cannot be honoured, and what to do instead. Ignoring one would mean to act as
/// somebody else, or to believe anybody.
struct Refusal {
  std::string_view key;
  std::string_view sentence;
};

constexpr std::array kRefusedOfUser = {
    Refusal{"exec",
            "programs that make credentials are not run: use a client certificate, or a "
            "ServiceAccount's token (kubectl create token NAME) in tokenFile"},
    Refusal{"auth-provider",
            "auth-provider was removed from Kubernetes: use a client certificate, or a "
            "ServiceAccount's token (kubectl create token NAME) in tokenFile"},
    Refusal{"username", "basic authentication was removed from Kubernetes: use a token"},
    Refusal{"password", "basic authentication was removed from Kubernetes: use a token"},
    Refusal{"as", "impersonation is not done: use a user that has the rights itself"},
    Refusal{"as-uid", "impersonation is not done: use a user that has the rights itself"},
    Refusal{"as-groups", "impersonation is not done: use a user that has the rights itself"},
    Refusal{"as-user-extra", "impersonation is not done: use a user that has the rights itself"},
};
constexpr std::array kRefusedOfCluster = {
    Refusal{"proxy-url",
            "the API server is not reached through a proxy: remove it and connect "
            "directly"},
};

/// Reads one document, the first problem ends it.
class Reader {
 public:
  Reader(const Document& document, std::string folder)
      : document_(document), folder_(std::move(folder)) {}

  Result<ClusterAccess> read();

 private:
  tl::unexpected<Error> refuse(const Node& node, const std::string& sentence) const {
    return failure(
        ErrorCode::invalid_argument, Side::internal,
        fmt::format("{}:{}:{}: {}", document_.file(), node.at.line, node.at.column, sentence));
  }
  static bool is_map(const Node* node) { return node != nullptr && node->kind == Node::Kind::map; }
  /// Null when absent or empty; nothing is called "".
  static const Node* member(const Node& map, std::string_view key);
  Result<std::string> text(const Node& map, std::string_view key) const;
  Result<const Node*> named(std::string_view list, std::string_view part, const std::string& name,
                            const Node& wanted_by) const;
  Result<void> check_keys(const Node& node) const;
  Result<void> refuse_any(const Node& map, std::span<const Refusal> refused) const;
  Result<Material> material(const Node& map, const std::string& key, const std::string& data_key,
                            bool encoded) const;
  Result<void> read_cluster(const Node& cluster, ClusterAccess& access) const;
  Result<void> read_server(const Node& cluster, ClusterAccess& access) const;
  Result<void> read_user(const Node& user, ClusterAccess& access) const;
  Result<void> check_plain(const Node& cluster, const ClusterAccess& access) const;

  const Document& document_;
  const std::string folder_;
};

const Node* Reader::member(const Node& map, std::string_view key) {
  for (std::size_t i = 0; i + 1 < map.children.size() && !key.empty(); i += 2) {
    const Node& value = *map.children[i + 1];
    if (map.children[i]->text != key || value.kind == Node::Kind::null) continue;
    return value.kind == Node::Kind::scalar && value.text.empty() ? nullptr : &value;
  }
  return nullptr;
}

Result<std::string> Reader::text(const Node& map, std::string_view key) const {
  const Node* node = member(map, key);
  if (node == nullptr) return std::string();
  if (node->kind != Node::Kind::scalar) return refuse(*node, fmt::format("{} must be a text", key));
  return node->text;
}

// A key twice would leave it to chance which counts.
Result<void> Reader::check_keys(const Node& node) const {
  const bool map = node.kind == Node::Kind::map;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& child = *node.children[i];
    for (std::size_t j = 0; map && i % 2 == 0 && j < i; j += 2)
      if (node.children[j]->text == child.text)
        return refuse(child, fmt::format("{} is there twice: remove one", child.text));
    if (auto checked = check_keys(child); !checked) return checked;
  }
  return {};
}

/// The map `part` of the member of `list` that has this name.
Result<const Node*> Reader::named(std::string_view list, std::string_view part,
                                  const std::string& name, const Node& wanted_by) const {
  const Node* members = member(document_.root(), list);
  if (members != nullptr && members->kind == Node::Kind::list)
    for (const Node* each : members->children) {
      if (!is_map(each)) return refuse(*each, fmt::format("a member of {} must be a map", list));
      const auto its_name = text(*each, "name");
      if (!its_name) return tl::make_unexpected(its_name.error());
      if (*its_name != name) continue;
      const Node* inner = member(*each, part);
      if (is_map(inner)) return inner;
      return refuse(*each, fmt::format("{} \"{}\" has no map {}: add it", part, name, part));
    }
  return refuse(wanted_by, fmt::format("{} has no \"{}\": add it, or name another", list, name));
}

Result<void> Reader::refuse_any(const Node& map, std::span<const Refusal> refused) const {
  for (const Refusal& each : refused)
    if (const Node* node = member(map, each.key))
      return refuse(*node, fmt::format("{}: {}", each.key, each.sentence));
  return {};
}

/// A file or, which counts before it, the text in place.
Result<Material> Reader::material(const Node& map, const std::string& key,
                                  const std::string& data_key, bool encoded) const {
  auto data = text(map, data_key);
  if (!data) return tl::make_unexpected(data.error());
  auto file = text(map, key);
  if (!file) return tl::make_unexpected(file.error());
  Material found;
  found.origin = document_.file() + ": " + (data->empty() ? key : data_key);
  if (!data->empty()) {
    auto decoded = encoded ? decode_base64(*data) : std::optional<std::string>(*data);
    if (!decoded || decoded->empty())
      return refuse(*member(map, data_key),
                    fmt::format("{} is not base64: paste the output of base64 -w0", data_key));
    found.text = std::move(*decoded);
  } else if (!file->empty()) {
    found.file = (std::filesystem::path(folder_) / *file).string();
    if (const auto content = found.read(); !content)
      return refuse(*member(map, key), fmt::format("{}: {}", key, content.error().detail));
  }
  return found;
}

Result<void> Reader::read_server(const Node& cluster, ClusterAccess& access) const {
  const auto server = text(cluster, "server");
  if (!server) return tl::make_unexpected(server.error());
  if (server->empty())
    return refuse(cluster, "the cluster has no server: add its URL, https://HOST:PORT");
  const Node& at = *member(cluster, "server");
  std::string_view rest = *server;
  access.tls = rest.starts_with("https://");
  if (!access.tls && !rest.starts_with("http://"))
    return refuse(at, "server is no URL: write https://HOST:PORT");
  rest.remove_prefix(access.tls ? 8 : 7);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  access.base_path = rest.substr(slash);
  while (access.base_path.ends_with('/')) access.base_path.pop_back();
  if (access.base_path.find_first_of("?# %") != std::string::npos)
    return refuse(at, "server has more than a host, port and path: write https://HOST:PORT");
  const auto authority = parse_authority(rest.substr(0, slash));
  if (!authority) return refuse(at, "server has no valid host: write https://HOST:PORT");
  access.host = authority->host;
  access.port = access.tls ? 443 : 80;
  if (authority->port.empty()) return {};
  const char* end = authority->port.data() + authority->port.size();
  const auto parsed = std::from_chars(authority->port.data(), end, access.port);
  if (parsed.ec != std::errc() || parsed.ptr != end || access.port == 0)
    return refuse(at, "server has no valid port: write https://HOST:PORT");
  return {};
}

// A token in plain text belongs to whoever sits in between.
Result<void> Reader::check_plain(const Node& cluster, const ClusterAccess& access) const {
  const auto address = IpAddress::parse(access.host);
  if (access.tls || access.host == "localhost" || (address && address->is_loopback())) return {};
  return refuse(*member(cluster, "server"),
                "http:// reaches a loopback address only (kubectl proxy): write https://");
}

Result<void> Reader::read_cluster(const Node& cluster, ClusterAccess& access) const {
  if (auto done = refuse_any(cluster, kRefusedOfCluster); !done) return done;
  const auto insecure = text(cluster, "insecure-skip-tls-verify");
  if (!insecure) return tl::make_unexpected(insecure.error());
  if (!insecure->empty() && *insecure != "false")
    return refuse(
        *member(cluster, "insecure-skip-tls-verify"),
        "insecure-skip-tls-verify: a server that nobody verifies gets no credentials: name "
        "its authority in certificate-authority, or its name in tls-server-name");
  if (auto done = read_server(cluster, access); !done) return done;
  if (auto done = check_plain(cluster, access); !done) return done;
  auto name = text(cluster, "tls-server-name");
  if (!name) return tl::make_unexpected(name.error());
  access.server_name = name->empty() ? access.host : std::move(*name);
  auto ca = material(cluster, "certificate-authority", "certificate-authority-data", true);
  if (!ca) return tl::make_unexpected(ca.error());
  access.ca = std::move(*ca);
  return {};
}

Result<void> Reader::read_user(const Node& user, ClusterAccess& access) const {
  if (auto done = refuse_any(user, kRefusedOfUser); !done) return done;
  auto certificate = material(user, "client-certificate", "client-certificate-data", true);
  if (!certificate) return tl::make_unexpected(certificate.error());
  auto key = material(user, "client-key", "client-key-data", true);
  if (!key) return tl::make_unexpected(key.error());
  if (certificate->empty() != key->empty())
    return refuse(user, "client-certificate and client-key belong together: add the other");
  // As kubectl does: a file, which can be renewed, counts before a token in place.
  auto token = material(user, "tokenFile", "", false);
  if (token && token->empty()) token = material(user, "", "token", false);
  if (!token) return tl::make_unexpected(token.error());
  access.certificate = std::move(*certificate);
  access.key = std::move(*key);
  access.token = std::move(*token);
  return {};
}

Result<ClusterAccess> Reader::read() {
  const Node& root = document_.root();
  if (!is_map(&root)) return refuse(root, "this is no kubeconfig: a map with current-context");
  if (auto checked = check_keys(root); !checked) return tl::make_unexpected(checked.error());
  const auto current = text(root, "current-context");
  if (!current) return tl::make_unexpected(current.error());
  if (current->empty())
    return refuse(root, "no current-context: choose one with kubectl config use-context NAME");
  const auto context = named("contexts", "context", *current, *member(root, "current-context"));
  if (!context) return tl::make_unexpected(context.error());

  ClusterAccess access;
  access.origin = document_.file();
  std::array<std::string, 3> names;
  constexpr std::array<std::string_view, 3> kKeys = {"cluster", "user", "namespace"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto value = text(**context, kKeys[i]);
    if (!value) return tl::make_unexpected(value.error());
    names[i] = std::move(*value);
  }
  access.namespace_name = names[2].empty() ? "default" : names[2];
  const auto cluster = named("clusters", "cluster", names[0], **context);
  if (!cluster) return tl::make_unexpected(cluster.error());
  if (auto done = read_cluster(**cluster, access); !done) return tl::make_unexpected(done.error());
  if (names[1].empty()) return access;
  const auto user = named("users", "user", names[1], **context);
  if (!user) return tl::make_unexpected(user.error());
  if (auto done = read_user(**user, access); !done) return tl::make_unexpected(done.error());
  return access;
}

}  // namespace

Result<ClusterAccess> read_kubeconfig(const std::string& file) {
  auto text = config::read_file(file, config::kMaxFileBytes);
  if (!text)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   file + ": " + text.error() + ": name another kubeconfig with --kubeconfig");
  return parse_kubeconfig(file, std::move(*text));
}

Result<ClusterAccess> parse_kubeconfig(const std::string& file, std::string text) {
  auto document = config::read_yaml(file, std::move(text));
  if (!document) {
    const config::Problem& problem = document.error();
    return failure(ErrorCode::invalid_argument, Side::internal,
                   fmt::format("{}:{}:{}: {}", file, problem.place.position.line,
                               problem.place.position.column, problem.message));
  }
  return Reader(*document, std::filesystem::path(file).parent_path().string()).read();
}

}  // namespace gateway::kubernetes
