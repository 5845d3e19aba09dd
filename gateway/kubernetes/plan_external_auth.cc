#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/duration.h"
#include "gateway/base/uri.h"
#include "gateway/kubernetes/ingress_plan.h"

namespace gateway::kubernetes {
namespace {

using config::Value;

constexpr std::string_view kWholeNames[] = {"host", "scheme", "request_uri", "escaped_request_uri",
                                            "remote_addr"};
constexpr Duration kLongestCached = std::chrono::hours(24);  // what the filter takes

constexpr std::string_view kPrefixes[] = {"http_", "cookie_", "arg_"};

/// Where a verdict is asked for.
struct Target {
  bool tls = false;
  std::string host;
  ServiceRef service;
  std::string path;
};

// A closed list: whatever else a template could reach is not for who writes an Ingress.
std::string unknown_variable(std::string_view text) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    std::string_view name = text.substr(at + 1);
    const bool braces = name.starts_with('{');
    if (braces) name.remove_prefix(1);
    name = name.substr(0, name.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"));
    const bool known =
        std::find(std::begin(kWholeNames), std::end(kWholeNames), name) != std::end(kWholeNames) ||
        std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) {
          return name.starts_with(prefix) && name.size() > prefix.size();
        });
    if (!known) return std::string(name);
  }
  return {};
}

// "NAME.NAMESPACE.svc" and whatever domain the cluster has after it.
std::optional<ObjectName> service_of_host(std::string_view host) {
  const auto first = host.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::string_view rest = host.substr(first + 1);
  const auto second = rest.find('.');
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view after = rest.substr(second + 1);
  if (after != "svc" && !after.starts_with("svc.")) return std::nullopt;
  return ObjectName{std::string(rest.substr(0, second)), std::string(host.substr(0, first))};
}

tl::expected<Target, std::string> target_of(std::string_view url) {
  Target target;
  target.tls = url.starts_with("https://");
  std::string_view rest = url.substr(url.find("://") + 3);
  const auto slash = rest.find_first_of("/?");
  const auto authority = parse_authority(rest.substr(0, slash));
  if (!authority || authority->host.find('$') != std::string_view::npos)
    return tl::make_unexpected("the URL's host is none");
  target.host = authority->host;
  target.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (!target.path.starts_with('/')) target.path.insert(0, 1, '/');
  const auto service = service_of_host(authority->host);
  if (!service)
    return tl::make_unexpected(
        "only a Service can be asked, as http://NAME.NAMESPACE.svc.cluster.local:PORT/PATH");
  target.service = {*service, authority->port.empty() ? (target.tls ? "443" : "80")
                                                      : std::string(authority->port)};
  return target;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (!part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

// "200 202 401 5m, 403 1m" is statuses and how long they are remembered. We remember good answers
// alone: 0 when none is named. Nothing when this is no such text.
std::optional<Duration> time_of_good_answers(std::string_view text) {
  Duration found{};
  for (const std::string_view part : split(text, ',')) {
    auto words = split(part, ' ');
    if (words.empty()) continue;
    const auto time = parse_duration(words.back());
    if (!time) return std::nullopt;
    words.pop_back();
    const bool good = words.empty() ||
                      std::find(words.begin(), words.end(), "200") != words.end() ||
                      std::find(words.begin(), words.end(), "any") != words.end();
    if (good) found = *time;
  }
  return found;
}

Value::Map options_of(Planning& planning, const Target& target) {
  const AnnotationValues& values = planning.values;
  Value::Map options;
  options["upstream"] = target.service.key();
  options["host"] = target.host;
  options["path"] = target.path;
  options["method"] = values.text("auth-method");
  if (values.has("auth-signin")) {
    options["signin"] = values.text("auth-signin");
    options["redirect_param"] = values.text("auth-signin-redirect-param");
  }
  // Empty is none, as in charts that write out their defaults.
  if (!values.text("auth-cache-key").empty()) {
    options["cache_key"] = values.text("auth-cache-key");
    if (const auto time = time_of_good_answers(values.text("auth-cache-duration")))
      options["cache_time"] = std::min(*time, kLongestCached);
    else
      planning.refuse("auth-cache-duration", "write it as '200 202 5m'");
  }
  Value::List headers;
  for (std::string& name : values.list("auth-response-headers"))
    headers.emplace_back(std::move(name));
  if (headers.empty()) return options;
  options["response_headers"] = std::move(headers);
  // Everywhere would be on the routes of others too, of whom this Ingress must have no say.
  options["strip"] = std::string("route");
  return options;
}

constexpr std::string_view kParts[] = {
    "auth-signin",    "auth-signin-redirect-param", "auth-response-headers", "auth-method",
    "auth-cache-key", "auth-cache-duration",        "auth-always-set-cookie"};

}  // namespace

void plan_external_auth(Planning& planning) {
  const AnnotationValues& values = planning.values;
  if (!values.has("auth-url")) {
    for (const std::string_view key : kParts)
      if (values.has(key)) return planning.refuse(key, "auth-url is missing");
    return;
  }
  for (const std::string_view key : {"auth-url", "auth-signin", "auth-cache-key"})
    if (const std::string name = unknown_variable(values.text(key)); !name.empty())
      return planning.refuse(key, fmt::format("the variable ${} is not known", name));
  auto target = target_of(values.text("auth-url"));
  if (!target) return planning.refuse("auth-url", target.error());
  planning.add_filter("auth-url", "external_auth", options_of(planning, *target));
  UpstreamSettings settings;
  settings.tls = target->tls;
  if (target->tls) settings.server_name = target->host;
  planning.plan().asked.push_back({target->service, false, settings, "external_auth"});
}

}  // namespace gateway::kubernetes
