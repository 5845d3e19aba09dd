#include "gateway/kubernetes/annotation.h"
#include "gateway/kubernetes/meta_reader.h"

namespace gateway::kubernetes {
namespace {

Backend read_backend(const JsonValue& value) {
  Backend backend;
  backend.service = value["service"]["name"].text();
  const JsonValue port = value["service"]["port"];
  backend.port = port["name"].text();
  if (backend.port.empty()) {
    const std::uint16_t number = read_port(port["number"]);
    if (number != 0) backend.port = std::to_string(number);
  }
  if (const JsonValue resource = value["resource"]; resource.present())
    backend.resource = resource["kind"].text() + " " + resource["name"].text();
  if (backend.service.empty() && backend.resource.empty()) value.expect("a service or a resource");
  return backend;
}

PathType read_path_type(const JsonValue& value) {
  const std::string type = value.text();
  if (type == "Exact") return PathType::exact;
  if (type == "Prefix") return PathType::prefix;
  if (type != "ImplementationSpecific" && !type.empty())
    value.expect("Exact, Prefix or ImplementationSpecific");
  return PathType::implementation_specific;
}

IngressRule read_rule(const JsonValue& value) {
  IngressRule rule;
  rule.host = value["host"].text();
  value["http"]["paths"].each([&](const JsonValue& item) {
    rule.paths.push_back(
        {item["path"].text(), read_path_type(item["pathType"]), read_backend(item["backend"])});
  });
  return rule;
}

IngressTls read_tls(const JsonValue& value) {
  IngressTls tls;
  value["hosts"].each([&](const JsonValue& host) { tls.hosts.push_back(host.text()); });
  tls.secret = value["secretName"].text();
  return tls;
}

}  // namespace

Result<Ingress> Ingress::parse(std::string_view json) {
  return read_json<Ingress>(json, "Ingress", [](const JsonValue& root) {
    Ingress ingress;
    ingress.meta = read_meta(root);
    const JsonValue spec = root["spec"];
    if (const JsonValue name = spec["ingressClassName"]; name.present())
      ingress.class_name = name.text();
    if (const JsonValue backend = spec["defaultBackend"]; backend.present())
      ingress.default_backend = read_backend(backend);
    spec["tls"].each([&](const JsonValue& item) { ingress.tls.push_back(read_tls(item)); });
    spec["rules"].each([&](const JsonValue& item) { ingress.rules.push_back(read_rule(item)); });
    return ingress;
  });
}

bool IngressClass::is_default() const {
  const auto found = meta.annotations.find(kDefaultClassAnnotation);
  return found != meta.annotations.end() && found->second == "true";
}

Result<IngressClass> IngressClass::parse(std::string_view json) {
  return read_json<IngressClass>(json, "IngressClass", [](const JsonValue& root) {
    IngressClass made;
    made.meta = read_meta(root);
    made.controller = root["spec"]["controller"].text();
    const JsonValue parameters = root["spec"]["parameters"];
    if (parameters["kind"].text() == "ConfigMap")
      made.parameters = ObjectName{parameters["namespace"].text(), parameters["name"].text()};
    return made;
  });
}

}  // namespace gateway::kubernetes
