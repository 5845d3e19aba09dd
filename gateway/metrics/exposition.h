#pragma once

#include <string>

#include "gateway/metrics/registry.h"

namespace gateway {

/// Everything the registry knows in Prometheus' text format (version 0.0.4). Control thread; may
/// take 0.2 s for 10,000 routes.
std::string exposition(Registry& registry);

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

/// docs/metrics.md: all families with their labels, made from the rows that declare them.
std::string metrics_reference();

}  // namespace gateway
