#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/uri.h"
#include "gateway/http/fields.h"
#include "gateway/http/header_id.h"
#include "gateway/kubernetes/ingress_plan.h"
#include "gateway/kubernetes/path_pattern.h"

namespace gateway::kubernetes {
namespace {

constexpr std::string_view kRequestUri = "$request_uri";

// What the filter refuses would refuse the whole configuration: said here, it refuses one object.
std::string why_not_ours(std::string_view name, std::string_view value) {
  const http::HeaderId id = http::header_id(name);
  if (!http::is_token(name)) return "is not a field name";
  if (!http::is_field_value(value)) return "has a value that no field may have";
  const http::HeaderId own[] = {http::HeaderId::content_length,
                                http::HeaderId::host,
                                http::HeaderId::expect,
                                http::HeaderId::date,
                                http::HeaderId::forwarded,
                                http::HeaderId::x_forwarded_for,
                                http::HeaderId::x_forwarded_proto,
                                http::HeaderId::x_real_ip};
  if (http::is_hop_by_hop(id) || std::find(std::begin(own), std::end(own), id) != std::end(own))
    return "is set by the gateway alone";
  return {};
}

void plan_custom_headers(Planning& planning) {
  if (!planning.values.has("custom-headers")) return;
  const auto name = planning.reference("custom-headers");
  if (!name) return;
  const ConfigMap* map = planning.config_map(*name);
  if (map == nullptr)
    return planning.refuse("custom-headers",
                           fmt::format("there is no ConfigMap {}", name->to_string()));
  for (const auto& [field, value] : map->data) {
    if (const std::string why = why_not_ours(field, value); !why.empty())
      return planning.refuse("custom-headers", fmt::format("'{}' {}", field, why));
    planning.plan().response_headers[field] = value;
  }
}

void plan_hsts(Planning& planning) {
  const bool on =
      planning.values.has("hsts") ? planning.values.flag("hsts") : planning.settings.hsts;
  if (!on) return;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(planning.values.duration("hsts-max-age"));
  std::string& hsts = planning.plan().hsts;
  hsts = fmt::format("max-age={}", seconds.count());
  if (planning.values.flag("hsts-include-subdomains")) hsts += "; includeSubDomains";
  if (planning.values.flag("hsts-preload")) hsts += "; preload";
}

}  // namespace

void plan_routing(Planning& planning) {
  const AnnotationValues& values = planning.values;
  IngressPlan& plan = planning.plan();
  plan.use_regex = values.flag("use-regex");
  plan.app_root = values.text("app-root");
  plan.aliases = values.list("server-alias");
  plan.upstream_host = values.text("upstream-vhost");
  if (plan.upstream_host.starts_with('*'))
    planning.refuse("upstream-vhost", "a host to send cannot be a wildcard");
  if (const std::string prefix = values.text("x-forwarded-prefix"); !prefix.empty()) {
    if (http::is_field_value(prefix))
      plan.request_headers["X-Forwarded-Prefix"] = prefix;
    else
      planning.refuse("x-forwarded-prefix", "holds what no field may hold");
  }
  plan.rewrite_target = values.text("rewrite-target");
  if (!plan.rewrite_target.empty())
    if (auto target = substitution_of(plan.rewrite_target); !target)
      planning.refuse("rewrite-target", target.error());
  plan_hsts(planning);
  plan_custom_headers(planning);
}

namespace {

/// Host, port and path of a URL to redirect to.
tl::expected<config::Redirect, std::string> redirect_to(std::string_view url, bool& keeps_path) {
  config::Redirect redirect;
  const auto colon = url.find("://");
  redirect.scheme = url.substr(0, colon);
  std::string_view rest = url.substr(colon + 3);
  keeps_path = rest.ends_with(kRequestUri);
  if (keeps_path) rest.remove_suffix(kRequestUri.size());
  if (rest.find('$') != std::string_view::npos)
    return tl::make_unexpected("no variable but $request_uri at the end is known");
  if (rest.find_first_of("?#") != std::string_view::npos)
    return tl::make_unexpected("a query or fragment cannot be redirected to");
  const auto slash = rest.find('/');
  const auto authority = parse_authority(rest.substr(0, slash));
  if (!authority) return tl::make_unexpected("the URL's host is none");
  redirect.host = authority->host;
  std::transform(redirect.host.begin(), redirect.host.end(), redirect.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::uint16_t port = 0;
  const std::string_view text = authority->port;
  if (!text.empty() &&
      std::from_chars(text.data(), text.data() + text.size(), port).ec == std::errc())
    redirect.port = port;
  const std::string_view path = slash == std::string_view::npos ? "" : rest.substr(slash);
  if (keeps_path && path.size() > 1)
    return tl::make_unexpected("$request_uri can only follow the host");
  if (!keeps_path) redirect.path = path.empty() ? "/" : std::string(path);
  return redirect;
}

}  // namespace

void plan_redirects(Planning& planning) {
  const AnnotationValues& values = planning.values;
  IngressPlan& plan = planning.plan();
  plan.ssl_redirect =
      values.has("ssl-redirect") ? values.flag("ssl-redirect") : planning.settings.ssl_redirect;
  plan.force_ssl_redirect = values.flag("force-ssl-redirect");
  plan.www_redirect = values.flag("from-to-www-redirect");
  const std::string_view key =
      values.has("temporal-redirect") ? "temporal-redirect" : "permanent-redirect";
  if (!values.has(key)) return;
  auto redirect = redirect_to(values.text(key), plan.redirect_keeps_path);
  if (!redirect) return planning.refuse(key, redirect.error());
  redirect->status = static_cast<std::uint16_t>(values.number(std::string(key) + "-code"));
  plan.redirect = std::move(*redirect);
}

void plan_canary(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.flag("canary")) return;
  Canary canary;
  canary.header = values.text("canary-by-header");
  canary.header_value = values.text("canary-by-header-value");
  canary.header_pattern = values.text("canary-by-header-pattern");
  canary.cookie = values.text("canary-by-cookie");
  canary.weight_total = static_cast<std::uint32_t>(values.number("canary-weight-total"));
  canary.weight =
      std::min(static_cast<std::uint32_t>(values.number("canary-weight")), canary.weight_total);
  if (canary.header.empty() && !(canary.header_value.empty() && canary.header_pattern.empty()))
    planning.refuse("canary-by-header-value", "canary-by-header is missing");
  planning.plan().canary = std::move(canary);
}

}  // namespace gateway::kubernetes
