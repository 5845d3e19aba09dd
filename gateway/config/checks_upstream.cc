#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/config/checks.h"

namespace gateway::config {
namespace {

void check_endpoints(const Upstream& upstream, const std::string& path, const Report& report) {
  std::set<std::pair<std::string_view, std::uint16_t>> known;
  for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
    const Endpoint& endpoint = upstream.endpoints[i];
    if (endpoint.host.empty()) continue;
    const std::string at = fmt::format("{}.endpoints[{}]", path, i);
    if (endpoint.port == 0) report({at, "port is missing"});
    if (endpoint.host.front() == '*') report({at, "an endpoint cannot be a wildcard"});
    if (!known.emplace(endpoint.host, endpoint.port).second)
      report({at, "the same endpoint twice", "each endpoint once, with a weight",
              fmt::format("{}:{}", endpoint.host, endpoint.port)});
  }
}

void check_tls(const Upstream& upstream, const std::string& path, const Report& report) {
  const UpstreamTls& tls = *upstream.tls;
  if (tls.certificate.empty() != tls.key.empty())
    report({path + ".tls", tls.key.empty() ? "certificate without key" : "key without certificate",
            "both, or neither"});
  if (!tls.server_name.empty() && tls.server_name.front() == '*')
    report({path + ".tls.server_name", "a name to verify cannot be a wildcard"});
  const bool dot_among =
      std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                  [](const Endpoint& endpoint) { return endpoint.host.ends_with('.'); });
  if (tls.server_name.empty() && dot_among)
    report({path + ".tls", "server_name is missing: no certificate holds a name with a final dot",
            "server_name: NAME"});
  const bool address_among = std::any_of(
      upstream.endpoints.begin(), upstream.endpoints.end(),
      [](const Endpoint& endpoint) { return IpAddress::parse(endpoint.host).has_value(); });
  if (tls.verify && tls.server_name.empty() && (address_among || upstream.discovered))
    report({path + ".tls",
            "server_name is missing: endpoints are addresses, which are no name to verify",
            "server_name: NAME"});
  if (!tls.verify && !tls.ca.empty())
    report({path + ".tls.ca", "has no effect while verify is false"});
}

void check_times(const Upstream& upstream, const std::string& path, const Report& report) {
  const UpstreamTimeouts& timeouts = upstream.timeouts;
  const bool both = timeouts.request.count() > 0 && timeouts.per_try.count() > 0;
  if (both && timeouts.per_try > timeouts.request)
    report({path + ".timeouts.per_try", "longer than timeouts.request, which bounds all tries"});
}

void check_statuses(const Upstream& upstream, const std::string& path, const Report& report) {
  const auto& statuses = upstream.retries.statuses;
  for (std::size_t i = 0; i < statuses.size(); ++i)
    if (statuses[i] < 400 || statuses[i] > 599)
      report({fmt::format("{}.retries.statuses[{}]", path, i), "not a status that says of failure",
              "a status from 400 to 599", fmt::format("{}", statuses[i])});
}

}  // namespace

void check_upstreams(const Model& model, const Report& report) {
  for (std::size_t i = 0; i < model.upstreams.size(); ++i) {
    const Upstream& upstream = model.upstreams[i];
    const std::string path = fmt::format("upstreams[{}]", i);
    check_endpoints(upstream, path, report);
    if (upstream.tls) check_tls(upstream, path, report);
    check_times(upstream, path, report);
    check_statuses(upstream, path, report);
  }
}

}  // namespace gateway::config
