#include "gateway/server/cluster_routes.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/filter/table.h"

namespace gateway::server {
namespace {

using Filters = std::vector<config::PolicySettings>;

Filters take_logins(Filters& filters) {
  const auto first = std::stable_partition(
      filters.begin(), filters.end(),
      [](const config::PolicySettings& each) { return !filter::asks_for_login(each); });
  Filters logins(std::make_move_iterator(first), std::make_move_iterator(filters.end()));
  filters.erase(first, filters.end());
  return logins;
}

// One that the route repeats option for option still runs once.
config::Route guarded(const config::Route& route, const Filters& logins) {
  config::Route made = route;
  made.filters = logins;
  for (const config::PolicySettings& each : route.filters)
    if (std::find(logins.begin(), logins.end(), each) == logins.end()) made.filters.push_back(each);
  return made;
}

bool asks_for_certificates(const Filters& filters) {
  return std::ranges::any_of(filters, [](const config::PolicySettings& each) {
    return each.type == "client_certificate";
  });
}

/// Where the file asks clients for certificates: a handshake can ask by one set of authorities
/// alone, and an Ingress that brings some, be they the same, must not have every configuration
/// refused the day they differ.
class AskedHosts {
 public:
  AskedHosts(const config::Model& file, const Filters& logins)
      : everywhere_(asks_for_certificates(logins)) {
    for (const config::Route& route : file.routes) {
      if (!asks_for_certificates(route.filters)) continue;
      if (route.hosts.empty()) hosts_.emplace();
      hosts_.insert(route.hosts.begin(), route.hosts.end());
    }
  }
  bool none() const { return !everywhere_ && hosts_.empty(); }
  bool clash(const config::Route& route) const {
    if (none() || !asks_for_certificates(route.filters)) return false;
    if (everywhere_ || (route.hosts.empty() && hosts_.contains(""))) return true;
    return std::ranges::any_of(route.hosts,
                               [this](const std::string& host) { return hosts_.contains(host); });
  }

 private:
  bool everywhere_;
  std::set<std::string> hosts_;  ///< empty text: every host
};

config::Route shut(const config::Route& route) {
  config::Route made;
  made.name = route.name;
  made.hosts = route.hosts;
  made.listeners = route.listeners;
  made.matches = route.matches;
  made.respond = config::FixedAnswer{
      503, "Clients of this host are asked for certificates by the gateway's own configuration.\n"};
  return made;
}

}  // namespace

void add_cluster_routes(config::Model& model, const kubernetes::Translation& translation) {
  const Filters logins = take_logins(model.filters);
  const AskedHosts asked(model, logins);
  if (logins.empty() && asked.none()) return model.routes.append(translation.routes);
  const auto own = std::exchange(model.routes, {});
  model.routes.reserve(own.size() + translation.routes.size());
  if (logins.empty())
    model.routes.append(own);
  else
    for (const config::Route& route : own) model.routes.push_back(guarded(route, logins));
  for (std::size_t i = 0; i < translation.routes.size(); ++i) {
    if (asked.clash(translation.routes[i]))
      model.routes.push_back(shut(translation.routes[i]));
    else if (translation.origins[i].open || logins.empty())
      model.routes.push_back(translation.routes.share(i));
    else
      model.routes.push_back(guarded(translation.routes[i], logins));
  }
}

}  // namespace gateway::server
