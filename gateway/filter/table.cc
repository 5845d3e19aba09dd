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
  ROW(kClientCertificate)    \
  ROW(kToken)                \
  ROW(kBasicAuth)            \
  ROW(kExternalAuth)         \
  ROW(kHeaderEdits)

namespace gateway::filter {

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

namespace {

// Of a filter that cannot do without another: that one.
const FilterType* needed_by(const FilterType& type, const config::Value& options) {
  return type.policy.needs == nullptr ? nullptr : find_filter_type(type.policy.needs(options).type);
}

}  // namespace

bool asks_for_login(const config::PolicySettings& settings) {
  const FilterType* type = find_filter_type(settings.type);
  if (type == nullptr) return false;
  const FilterType* needed = needed_by(*type, settings.options);
  return type->login || (needed != nullptr && needed->login);
}

std::size_t run_position(const config::PolicySettings& settings) {
  const FilterType* type = find_filter_type(settings.type);
  const auto row = [](const FilterType& of) {
    return static_cast<std::size_t>(&of - filter_types().data()) * 2;
  };
  if (type == nullptr) return filter_types().size() * 2;
  // What another finds out is known behind that one alone.
  const FilterType* needed = needed_by(*type, settings.options);
  return needed != nullptr ? row(*needed) + 1 : row(*type);
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
