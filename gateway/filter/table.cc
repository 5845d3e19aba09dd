#include "gateway/filter/table.h"

#include <algorithm>
#include <vector>

#include "gateway/filter/rows.h"

namespace gateway::filter {

std::span<const FilterType> filter_types() {
  static const FilterType types[] = {
      kRequestId, kAllowDeny, kRateLimit, kBodyLimit, kToken, kHeaderEdits,
  };
  return types;
}

std::span<const config::Policy> filter_policies() {
  static const std::vector<config::Policy> policies = [] {
    std::vector<config::Policy> result;
    for (const FilterType& type : filter_types()) result.push_back(type.policy);
    return result;
  }();
  return policies;
}

const FilterType* find_filter_type(std::string_view type) {
  for (const FilterType& row : filter_types()) {
    if (row.policy.type == type) return &row;
  }
  return nullptr;
}

std::size_t run_position(const config::PolicySettings& settings) {
  const auto types = filter_types();
  const auto row_of = [&](std::string_view type) {
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const FilterType& row) { return row.policy.type == type; });
    return static_cast<std::size_t>(found - types.begin()) * 2;
  };
  // Who is counted by token is known after the token filter alone.
  const config::Value& by = settings.options["by"];
  const bool late =
      settings.type == kRateLimit.policy.type && by.is_set() && by.as<std::string>() == "token";
  return late ? row_of("token") + 1 : row_of(settings.type);
}

}  // namespace gateway::filter
