#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "gateway/config/checks.h"

namespace gateway::config {
namespace {

using Filters = std::vector<PolicySettings>;
using Types = std::set<std::string_view>;

void add_types(const Filters& filters, Types& types) {
  for (const PolicySettings& filter : filters) types.insert(filter.type);
}

PolicyNeed need_of(const PolicySettings& filter, std::span<const Policy> policies) {
  const auto policy = std::find_if(policies.begin(), policies.end(),
                                   [&](const Policy& row) { return row.type == filter.type; });
  return policy == policies.end() || policy->needs == nullptr ? PolicyNeed{}
                                                              : policy->needs(filter.options);
}

/// Whether each of `filters` has what it needs among the types in `here` and `everywhere`.
void check_needs(const Filters& filters, const std::string& at, std::span<const Policy> policies,
                 const Types& here, const Types& everywhere, const Report& report) {
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const PolicyNeed need = need_of(filters[i], policies);
    if (need.type.empty() || here.contains(need.type) || everywhere.contains(need.type)) continue;
    report({fmt::format("{}[{}]", at, i), std::string(need.message), std::string(need.expected)});
  }
}

}  // namespace

void check_filters(const Model& model, std::span<const Policy> policies, const Report& report) {
  Types everywhere;
  add_types(model.filters, everywhere);
  Types anywhere = everywhere;
  for (std::size_t i = 0; i < model.routes.size(); ++i) {
    Types here;
    add_types(model.routes[i].filters, here);
    check_needs(model.routes[i].filters, fmt::format("routes[{}].filters", i), policies, here,
                everywhere, report);
    anywhere.merge(here);
  }
  // One for every route may be of no use on some, not on all.
  check_needs(model.filters, "filters", policies, anywhere, everywhere, report);
}

}  // namespace gateway::config
