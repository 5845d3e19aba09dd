#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/kubernetes/ingress_plan.h"
#include "gateway/net/certificate.h"
#include "gateway/net/client_authorities.h"

namespace gateway::kubernetes {
namespace {

using config::Value;

constexpr int kMostBetween = 100;  // certificates between an endpoint's and the authority's

std::string header_of_variable(std::string_view variable) {
  std::string name(variable);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void take_balancer(Planning& planning, std::string_view key, std::string_view type,
                   Value::Map options) {
  auto made = make_balancer(type, std::move(options));
  if (!made) return planning.refuse(key, made.error());
  planning.plan().upstream.balancer = std::move(*made);
}

void plan_hash(Planning& planning) {
  std::string_view by = planning.values["upstream-hash-by"].as<std::string>();
  Value::Map options;
  if (by.starts_with("$http_") && by.find('$', 1) == std::string_view::npos)
    options["header"] = header_of_variable(by.substr(6));
  else if (by.starts_with("$cookie_") && by.find('$', 1) == std::string_view::npos)
    options["cookie"] = std::string(by.substr(8));
  else if (by != "$remote_addr" && by != "$binary_remote_addr")
    return planning.refuse("upstream-hash-by",
                           "use $remote_addr, $http_NAME or $cookie_NAME, and nothing beside it");
  take_balancer(planning, "upstream-hash-by", "consistent_hash", std::move(options));
}

void plan_affinity(Planning& planning) {
  const AnnotationValues& values = planning.values;
  Value::Map options;
  options["name"] = values.text("session-cookie-name");
  options["path"] = values.text("session-cookie-path");
  if (values.has("session-cookie-domain")) options["domain"] = values.text("session-cookie-domain");
  if (values.has("session-cookie-max-age"))
    options["max_age"] = values.duration("session-cookie-max-age");
  else if (values.has("session-cookie-expires"))
    options["max_age"] = values.duration("session-cookie-expires");
  if (values.has("session-cookie-samesite")) {
    std::string same_site = values.text("session-cookie-samesite");
    std::transform(same_site.begin(), same_site.end(), same_site.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    options["same_site"] = std::move(same_site);
  }
  if (values.has("session-cookie-secure"))
    options["secure"] = std::string(values.flag("session-cookie-secure") ? "on" : "off");
  take_balancer(planning, "affinity", "cookie", std::move(options));
}

// The last of affinity, hash and balancer that is asked for wins, as with ingress-nginx.
void plan_balancer(Planning& planning) {
  const AnnotationValues& values = planning.values;
  std::string balancer = values.text("load-balance");
  if (balancer == "ewma") balancer = "least_request";
  take_balancer(planning, "load-balance", balancer, {});
  if (values.has("upstream-hash-by")) plan_hash(planning);
  if (values.has("affinity")) plan_affinity(planning);
}

bool retry_on(std::string_view word, config::Retries& retries) {
  std::uint16_t status = 0;
  if (word == "error" || word == "timeout" || word == "invalid_header") return true;
  if (!word.starts_with("http_")) return false;
  const std::string_view number = word.substr(5);
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), status);
  if (code != std::errc() || end != number.data() + number.size()) return false;
  if (status < 400 || status > 599) return false;
  retries.statuses.push_back(status);
  return true;
}

void plan_retries(Planning& planning) {
  const AnnotationValues& values = planning.values;
  config::Retries& retries = planning.plan().upstream.retries;
  const std::int64_t tries = values.number("proxy-next-upstream-tries");
  retries.attempts = tries == 0 ? 10U : static_cast<std::uint32_t>(tries - 1);
  std::string_view words = values["proxy-next-upstream"].as<std::string>();
  while (!words.empty()) {
    const auto space = words.find(' ');
    const std::string_view word = words.substr(0, space);
    words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
    if (word == "off") {
      retries.attempts = 0;
    } else if (word == "non_idempotent") {
      planning.refuse("proxy-next-upstream",
                      "non_idempotent: what may have been executed is never sent twice");
    } else if (!word.empty() && !retry_on(word, retries)) {
      planning.refuse("proxy-next-upstream",
                      fmt::format("'{}' is none of error, timeout, http_NNN, off", word));
    }
  }
  std::sort(retries.statuses.begin(), retries.statuses.end());
}

// Whoever names one wants to be sure of whom he speaks to: without it nothing is said to anybody.
void plan_endpoint_secret(Planning& planning) {
  constexpr std::string_view kKey = "proxy-ssl-secret";
  const auto secret = planning.needed_secret(kKey);
  if (!secret) return;
  const std::string name = fmt::format("Secret {}", secret->meta.object_name().to_string());
  const auto unusable = [&](std::string_view why) {
    planning.plan().unusable = fmt::format("{}: {}: {}", kKey, name, why);
  };
  const std::string& authority = secret->value("ca.crt");
  const std::string& certificate = secret->value("tls.crt");
  const std::string& key = secret->value("tls.key");
  if (authority.empty() && certificate.empty() && key.empty())
    return unusable("has nothing under ca.crt, tls.crt and tls.key");
  if (!authority.empty())
    if (auto read = net::ClientAuthority::parse(authority, kMostBetween); !read)
      return unusable("ca.crt: " + read.error().detail);
  if (!certificate.empty() || !key.empty())
    if (auto read = net::Certificate::parse(certificate, key); !read)
      return unusable(read.error().detail);
  planning.plan().upstream.pem =
      config::UpstreamPem{name, secret_text(secret, "ca.crt"), secret_text(secret, "tls.crt"),
                          secret_text(secret, "tls.key")};
}

void plan_tls(Planning& planning) {
  const AnnotationValues& values = planning.values;
  UpstreamSettings& settings = planning.plan().upstream;
  const std::string protocol = values.text("backend-protocol");
  settings.tls = protocol == "HTTPS" || protocol == "https";
  if (!settings.tls) {
    if (values.has("proxy-ssl-secret"))
      planning.outcome.warnings.emplace_back(
          "proxy-ssl-secret: has no effect without backend-protocol: HTTPS");
    return;
  }
  if (values.has("proxy-ssl-secret")) plan_endpoint_secret(planning);
  settings.verify = values.text("proxy-ssl-verify") != "off";
  if (values.has("proxy-ssl-name")) settings.server_name = values.text("proxy-ssl-name");
  if (settings.server_name.starts_with('*'))
    planning.refuse("proxy-ssl-name", "a name to verify cannot be a wildcard");
}

void plan_health(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.has("health-check-path")) return;
  config::ActiveHealth& health = planning.plan().upstream.active_health.emplace();
  health.path = values.text("health-check-path");
  health.host = values.text("health-check-host");
  health.interval = values.duration("health-check-interval");
  health.timeout = values.duration("health-check-timeout");
  health.healthy_after = static_cast<std::uint32_t>(values.number("health-check-healthy-after"));
  health.unhealthy_after =
      static_cast<std::uint32_t>(values.number("health-check-unhealthy-after"));
}

}  // namespace

void plan_upstream(Planning& planning) {
  plan_balancer(planning);
  plan_retries(planning);
  plan_tls(planning);
  plan_health(planning);
  IngressPlan& plan = planning.plan();
  plan.upstream.connect = planning.values.duration("proxy-connect-timeout");
  plan.upstream.slow_start = planning.values.duration("slow-start");
  plan.read_timeout = planning.values.duration("proxy-read-timeout");
  // Who wants WebSockets to live longer says so there; 0 is for ever in both.
  if (plan.read_timeout == Duration::zero() || plan.read_timeout > plan.upstream.tunnel_idle)
    plan.upstream.tunnel_idle = plan.read_timeout;
}

}  // namespace gateway::kubernetes
