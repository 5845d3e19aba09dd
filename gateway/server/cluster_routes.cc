#include "gateway/server/cluster_routes.h"

#include <algorithm>
#include <iterator>
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
void guard(config::Route& route, const Filters& logins) {
  Filters own = std::move(route.filters);
  route.filters = logins;
  for (config::PolicySettings& each : own)
    if (std::find(logins.begin(), logins.end(), each) == logins.end())
      route.filters.push_back(std::move(each));
}

}  // namespace

void add_cluster_routes(config::Model& model, const kubernetes::Translation& translation) {
  const Filters logins = take_logins(model.filters);
  if (!logins.empty())
    for (config::Route& route : model.routes) guard(route, logins);
  const auto begin = static_cast<std::ptrdiff_t>(model.routes.size());
  model.routes.insert(model.routes.end(), translation.routes.begin(), translation.routes.end());
  if (logins.empty()) return;
  auto origin = translation.origins.begin();
  for (auto route = model.routes.begin() + begin; route != model.routes.end(); ++route, ++origin)
    if (!origin->open) guard(*route, logins);
}

}  // namespace gateway::server
