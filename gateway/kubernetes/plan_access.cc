#include <fmt/format.h>

#include <algorithm>

#include "gateway/kubernetes/ingress_plan.h"

namespace gateway::kubernetes {
namespace {

using config::Value;

Value list_of(const std::vector<std::string>& texts) {
  Value::List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

void plan_addresses(Planning& planning) {
  const AnnotationValues& values = planning.values;
  std::vector<std::string> allow;
  std::string_view key = "denylist-source-range";
  for (const std::string_view each : {"allowlist-source-range", "whitelist-source-range"}) {
    if (!values.has(each)) continue;
    key = each;
    for (std::string& range : values.list(each)) allow.push_back(std::move(range));
  }
  const std::vector<std::string> deny = values.list("denylist-source-range");
  if (allow.empty() && deny.empty()) return;
  Value::Map options;
  if (!allow.empty()) options["allow"] = list_of(allow);
  if (!deny.empty()) options["deny"] = list_of(deny);
  planning.add_filter(key, "allow_deny", std::move(options));
}

void plan_token(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.has("token-auth-upstream")) {
    // Who misspells the one must not lose the protection that the others speak of.
    for (const auto& [key, value] : values.written())
      if (key.starts_with("token-auth-"))
        return planning.refuse(key, "token-auth-upstream is missing");
    return;
  }
  const ServiceRef service =
      service_ref(values.text("token-auth-upstream"), planning.ingress.meta.namespace_);
  Value::Map options;
  options["upstream"] = service.key();
  options["path"] = values.text("token-auth-path");
  options["allow_ttl"] = values.duration("token-auth-allow-ttl");
  options["deny_ttl"] = values.duration("token-auth-deny-ttl");
  options["stale_ttl"] = values.duration("token-auth-stale-ttl");
  options["timeout"] = values.duration("token-auth-timeout");
  options["realm"] = values.text("token-auth-realm");
  planning.add_filter("token-auth-upstream", "token", std::move(options));
  planning.plan().asked.push_back({service, true, {}, "token"});
}

/// The Secret that an annotation names, with something under `key`; null, and unusable paths, when
/// it cannot be had.
std::shared_ptr<const Secret> protection(Planning& planning, std::string_view annotation,
                                         std::string_view key) {
  auto secret = planning.needed_secret(annotation);
  if (secret == nullptr || !secret->value(key).empty()) return secret;
  planning.plan().unusable = fmt::format("{}: Secret {} has nothing under {}", annotation,
                                         secret->meta.object_name().to_string(), key);
  return nullptr;
}

void plan_basic(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.has("auth-type")) {
    for (const std::string_view key : {"auth-secret", "auth-secret-type", "auth-realm"})
      if (values.has(key)) return planning.refuse(key, "auth-type is missing");
    return;
  }
  const auto secret = protection(planning, "auth-secret", "auth");
  Value::Map options;
  options["users"] = secret ? Value(secret_text(secret, "auth")) : Value(std::string());
  options["realm"] =
      values.has("auth-realm") ? values.text("auth-realm") : "Authentication Required";
  planning.add_protection("auth-secret", "basic_auth", std::move(options));
}

void plan_client_certificate(Planning& planning) {
  const AnnotationValues& values = planning.values;
  const bool off = values.text("auth-tls-verify-client") == "off";
  if (!values.has("auth-tls-secret")) {
    // Whoever garbled a key or the Secret's name has not said that everybody may come in.
    if (asks_for_certificates(planning.ingress) && !off)
      planning.plan().client_certificate.emplace();
    for (const auto& [key, value] : values.written())
      if (key.starts_with("auth-tls-")) return planning.refuse(key, "auth-tls-secret is missing");
    return;
  }
  if (off) return;
  CertificateDemand& demand = planning.plan().client_certificate.emplace();
  const auto secret = protection(planning, "auth-tls-secret", "ca.crt");
  if (!secret) return;
  Value::Map options;
  options["ca"] = secret_text(secret, "ca.crt");
  // Who was revoked must not get in because nobody looked.
  if (!secret->value("ca.crl").empty()) options["crl"] = secret_text(secret, "ca.crl");
  options["required"] = values.text("auth-tls-verify-client") == "on";
  options["depth"] = values.number("auth-tls-verify-depth");
  options["pass"] = values.flag("auth-tls-pass-certificate-to-upstream");
  auto made = make_filter("client_certificate", std::move(options));
  if (made)
    demand.filter = std::move(*made);
  else
    planning.plan().unusable = fmt::format("auth-tls-secret: {}", made.error());
}

}  // namespace

bool asks_for_certificates(const Ingress& ingress) {
  return is_any_written(ingress.meta.annotations, "auth-tls-");
}

void plan_access(Planning& planning) {
  planning.plan().global_policies = planning.values.flag("enable-global-auth");
  plan_addresses(planning);
  plan_token(planning);
  plan_basic(planning);
  plan_client_certificate(planning);
}

void plan_cors(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.flag("enable-cors")) return;
  const std::vector<std::string> origins = values.list("cors-allow-origin");
  // A page in a sandbox says null, whoever's it is.
  const bool any = std::any_of(origins.begin(), origins.end(), [](const std::string& origin) {
    return origin == "*" || origin == "null";
  });
  const bool credentials = values.flag("cors-allow-credentials");
  if (any && credentials && values.has("cors-allow-credentials"))
    return planning.refuse("cors-allow-credentials",
                           "every site could act for the user; name the origins");
  Value::Map options;
  options["allow_origins"] = list_of(origins);
  options["allow_methods"] = list_of(values.list("cors-allow-methods"));
  options["allow_headers"] = list_of(values.list("cors-allow-headers"));
  if (values.has("cors-expose-headers"))
    options["expose_headers"] = list_of(values.list("cors-expose-headers"));
  options["allow_credentials"] = credentials && !any;
  options["max_age"] = values.duration("cors-max-age");
  planning.add_filter("enable-cors", "cors", std::move(options));
}

namespace {

void add_connections(Planning& planning) {
  const AnnotationValues& values = planning.values;
  Value::Map options{{"requests", values["limit-connections"]}, {"by", std::string("address")}};
  if (values.has("limit-whitelist")) options["exempt"] = list_of(values.list("limit-whitelist"));
  planning.add_filter("limit-connections", "concurrency_limit", std::move(options));
}

}  // namespace

void plan_limits(Planning& planning) {
  const AnnotationValues& values = planning.values;
  const std::string name = planning.ingress.meta.object_name().to_string();
  const std::string by = values.text("limit-by");
  if (by == "token" && !values.has("token-auth-upstream"))
    planning.refuse("limit-by", "by token needs token-auth-upstream");
  const auto add_rate = [&](std::string_view key, double seconds) {
    if (!values.has(key)) return;
    const std::int64_t count = values.number(key);
    Value::Map options;
    options["by"] = by;
    options["rate"] = static_cast<double>(count) / seconds;
    options["burst"] = std::min<std::int64_t>(
        1'000'000, values.has("limit-burst") ? values.number("limit-burst")
                                             : count * values.number("limit-burst-multiplier"));
    options["name"] = fmt::format("{} {}", name, key);
    if (values.has("limit-whitelist")) options["exempt"] = list_of(values.list("limit-whitelist"));
    planning.add_filter(key, "rate_limit", std::move(options));
  };
  add_rate("limit-rps", 1);
  add_rate("limit-rpm", 60);
  if (values.has("limit-connections")) add_connections(planning);
  const auto size = values["proxy-body-size"].as<config::Size>();
  if (size.bytes != 0) planning.add_filter("proxy-body-size", "body_limit", {{"size", size}});
}

}  // namespace gateway::kubernetes
