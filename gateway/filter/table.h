#pragma once

#include <span>

#include "gateway/filter/filter.h"

namespace gateway::filter {

/// Every filter there is, in the order in which they run whatever their order in the file: request
/// id → client address and forwarded headers → allow/deny → rate limit by address → body limit →
/// token → rate limit by token → header edits.
std::span<const FilterType> filter_types();
/// The same rows for the configuration reader.
std::span<const config::Policy> filter_policies();
/// Null when unknown.
const FilterType* find_filter_type(std::string_view type);

}  // namespace gateway::filter
