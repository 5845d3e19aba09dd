#include "gateway/filter/table.h"

#include <algorithm>
#include <vector>

// A new filter: its file, its row here, at its place in the order.
#define GATEWAY_FILTERS(ROW) \
  ROW(kErrorPages)           \
  ROW(kRequestId)            \
  ROW(kCors)                 \
  ROW(kAllowDeny)            \
  ROW(kRateLimit)            \
  ROW(kConcurrencyLimit)     \
  ROW(kBodyLimit)            \
  ROW(kToken)                \
  ROW(kBasicAuth)            \
  ROW(kExternalAuth)         \
  ROW(kHeaderEdits)

namespace gateway::filter {
namespace {

bool is_login(std::string_view type) {
  return type == "token" || type == "basic_auth" || type == "external_auth" ||
         type == "client_certificate";
}

}  // namespace

// One list for declarations and table, so that a filter costs one line.
#define DECLARE(row) extern const FilterType row;
GATEWAY_FILTERS(DECLARE)
#undef DECLARE

std::span<const FilterType> filter_types() {
#define LIST(row) row,
  static const FilterType types[] = {GATEWAY_FILTERS(LIST)};
#undef LIST
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

bool asks_for_login(const config::PolicySettings& settings) {
  if (is_login(settings.type)) return true;
  const FilterType* type = find_filter_type(settings.type);
  return type != nullptr && type->policy.needs != nullptr &&
         is_login(type->policy.needs(settings.options).type);
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

std::vector<config::PolicySettings> run_order(const std::vector<config::PolicySettings>& global,
                                              const std::vector<config::PolicySettings>& own) {
  std::vector<config::PolicySettings> chain = global;
  for (const config::PolicySettings& settings : own)
    if (std::find(global.begin(), global.end(), settings) == global.end())
      chain.push_back(settings);
  std::stable_sort(chain.begin(), chain.end(),
                   [](const auto& a, const auto& b) { return run_position(a) < run_position(b); });
  return chain;
}

}  // namespace gateway::filter
