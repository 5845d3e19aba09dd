#pragma once

#include <span>
#include <vector>

#include "gateway/filter/filter.h"

namespace gateway::filter {

/// Every filter there is, in the order in which they run whatever their order in the file: error
/// pages (no other sees an answer that is dropped) → request id → cors (its preflights carry no
/// credentials) → allow/deny → limits by address → body limit → client certificate → token → rate
/// limit by token → basic auth → external auth → header edits.
std::span<const FilterType> filter_types();
/// The same rows for the configuration reader.
std::span<const config::Policy> filter_policies();
/// Where in that order a filter with these settings runs; a filter that has two places (rate limit
/// by address, by token) is told apart by its options.
std::size_t run_position(const config::PolicySettings& settings);
/// The filters of a route in the order in which they run: `global`, those of every route, first
/// among equals. One that the route repeats option for option runs once, else its requests would be
/// counted twice.
std::vector<config::PolicySettings> run_order(const std::vector<config::PolicySettings>& global,
                                              const std::vector<config::PolicySettings>& own);
/// Whether it asks who somebody is, or needs the verdict of one that does.
bool asks_for_login(const config::PolicySettings& settings);
/// Null when unknown.
const FilterType* find_filter_type(std::string_view type);

}  // namespace gateway::filter
