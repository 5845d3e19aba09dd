#pragma once

#include <string_view>

#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/parameters.h"
#include "gateway/custom_metrics/service.h"

namespace gateway::custom_metrics {

inline constexpr std::string_view kRatesPath = "/api/rates";

/// All routes' sums in one plain object, for KEDA's `metrics-api` scaler (valueLocation
/// "routes.jobs.requests_per_second") and for people with curl:
///   {"routes": {"jobs": {"requests_per_second": 25.4, "window_seconds": 16, "in_flight": 3}},
///    "peers": {"10.0.0.2:9903": {"state": "fresh", "age_seconds": 0.4}}}
/// `?route=jobs`, repeated, names some of them; 404 for one that there is not. 503 while the sums
/// are not known: there are no routes in the answer then, so no scaler reads a number.
Answer rates_answer(ClusterSum& sum, const Parameters& parameters);

}  // namespace gateway::custom_metrics
