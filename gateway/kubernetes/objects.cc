#include "gateway/kubernetes/objects.h"

#include "gateway/base/base64.h"
#include "gateway/kubernetes/annotation.h"
#include "gateway/kubernetes/meta_reader.h"

namespace gateway::kubernetes {
namespace {

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";
/// Keys of Secrets that annotations and TLS name. A Secret of type basic-auth by user may have any.
constexpr std::string_view kSecretKeys[] = {"tls.crt", "tls.key", "ca.crt", "ca.crl", "auth"};

bool concerns_us(std::string_view annotation) {
  return annotation.starts_with(kOwnPrefix) || annotation.starts_with(kNginxPrefix) ||
         annotation == kClassAnnotation || annotation == kDefaultClassAnnotation;
}

SliceEndpoint read_endpoint(const JsonValue& value, const std::string& namespace_) {
  SliceEndpoint endpoint;
  value["addresses"].each(
      [&](const JsonValue& item) { endpoint.addresses.push_back(item.text()); });
  const JsonValue conditions = value["conditions"];
  endpoint.ready = conditions["ready"].flag().value_or(true);
  endpoint.serving = conditions["serving"].flag().value_or(endpoint.ready);
  endpoint.terminating = conditions["terminating"].flag().value_or(false);
  const JsonValue target = value["targetRef"];
  endpoint.target_uid = target["uid"].text();
  // Nobody's slice speaks for the pods of another namespace.
  const bool foreign = target["namespace"].present() && target["namespace"].text() != namespace_;
  if (target["kind"].text() == "Pod" && !foreign) endpoint.pod = target["name"].text();
  return endpoint;
}

ServicePort read_service_port(const JsonValue& value) {
  ServicePort port;
  port.name = value["name"].text();
  port.port = read_port(value["port"]);
  if (const JsonValue protocol = value["protocol"]; protocol.present())
    port.protocol = protocol.text();
  port.node_port = read_port(value["nodePort"]);
  return port;
}

void read_texts(const JsonValue& list, std::vector<std::string>& to) {
  list.each([&](const JsonValue& item) { to.push_back(item.text()); });
}

}  // namespace

ObjectMeta read_meta(const JsonValue& object) {
  const JsonValue from = object["metadata"];
  ObjectMeta meta;
  meta.namespace_ = from["namespace"].text();
  meta.name = from["name"].text();
  meta.uid = from["uid"].text();
  meta.created = from["creationTimestamp"].text();
  from["annotations"].members([&](std::string_view key, const JsonValue& value) {
    if (concerns_us(key)) meta.annotations.emplace(key, value.text());
  });
  if (meta.name.empty()) from["name"].expect("a name");
  return meta;
}

std::uint16_t read_port(const JsonValue& value) {
  const std::int64_t number = value.number().value_or(0);
  if (number < 0 || number > 65535) value.expect("a port");
  return static_cast<std::uint16_t>(number);
}

Result<Service> Service::parse(std::string_view json) {
  return read_json<Service>(json, "Service", [](const JsonValue& root) {
    Service made;
    made.meta = read_meta(root);
    const JsonValue spec = root["spec"];
    if (const JsonValue type = spec["type"]; type.present()) made.type = type.text();
    read_texts(spec["clusterIPs"], made.cluster_ips);
    if (const JsonValue ip = spec["clusterIP"]; made.cluster_ips.empty() && ip.present())
      made.cluster_ips.push_back(ip.text());
    read_texts(spec["externalIPs"], made.external_ips);
    root["status"]["loadBalancer"]["ingress"].each([&](const JsonValue& item) {
      if (const JsonValue ip = item["ip"]; ip.present()) made.external_ips.push_back(ip.text());
      if (const JsonValue host = item["hostname"]; host.present())
        made.external_hosts.push_back(host.text());
    });
    read_texts(spec["ipFamilies"], made.ip_families);
    made.external_name = spec["externalName"].text();
    spec["ports"].each([&](const JsonValue& p) { made.ports.push_back(read_service_port(p)); });
    return made;
  });
}

Result<EndpointSlice> EndpointSlice::parse(std::string_view json) {
  return read_json<EndpointSlice>(json, "EndpointSlice", [](const JsonValue& root) {
    EndpointSlice made;
    made.meta = read_meta(root);
    made.service = root["metadata"]["labels"][kServiceLabel].text();
    made.address_type = root["addressType"].text();
    root["ports"].each([&](const JsonValue& port) {
      made.ports.push_back({port["name"].text(), read_port(port["port"])});
    });
    root["endpoints"].each([&](const JsonValue& endpoint) {
      made.endpoints.push_back(read_endpoint(endpoint, made.meta.namespace_));
    });
    return made;
  });
}

const std::string& Secret::value(std::string_view key) const {
  static const std::string none;
  const auto found = data.find(key);
  return found == data.end() ? none : found->second;
}

Result<Secret> Secret::parse(std::string_view json) {
  return read_json<Secret>(json, "Secret", [](const JsonValue& root) {
    Secret made;
    made.meta = read_meta(root);
    made.type = root["type"].text();
    for (const std::string_view key : kSecretKeys) {
      const JsonValue value = root["data"][key];
      if (!value.present()) continue;
      auto decoded = decode_base64(value.text());
      if (!decoded) value.expect("base64");
      made.data.emplace(key, std::move(decoded).value_or(std::string()));
    }
    // Manifests may bring texts as they are; the API server never does.
    for (const std::string_view key : kSecretKeys)
      if (const JsonValue value = root["stringData"][key]; value.present())
        made.data.insert_or_assign(std::string(key), value.text());
    return made;
  });
}

Result<ConfigMap> ConfigMap::parse(std::string_view json) {
  return read_json<ConfigMap>(json, "ConfigMap", [](const JsonValue& root) {
    ConfigMap made;
    made.meta = read_meta(root);
    root["data"].members([&](std::string_view key, const JsonValue& value) {
      made.data.emplace(key, value.text());
    });
    return made;
  });
}

}  // namespace gateway::kubernetes
