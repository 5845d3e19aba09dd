#include "gateway/server/cluster_routes.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
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

}  // namespace

void add_cluster_routes(config::Model& model, const kubernetes::Translation& translation) {
  const Filters logins = take_logins(model.filters);
  if (logins.empty()) return model.routes.append(translation.routes);
  const auto own = std::exchange(model.routes, {});
  model.routes.reserve(own.size() + translation.routes.size());
  for (const config::Route& route : own) model.routes.push_back(guarded(route, logins));
  for (std::size_t i = 0; i < translation.routes.size(); ++i) {
    if (translation.origins[i].open)
      model.routes.push_back(translation.routes.share(i));
    else
      model.routes.push_back(guarded(translation.routes[i], logins));
  }
}

}  // namespace gateway::server
