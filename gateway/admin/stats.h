#pragma once

#include <string>

#include "gateway/admin/admin_source.h"

namespace gateway::admin {

/// How many routes /stats shows: the busiest. /routes and /metrics have them all.
inline constexpr std::size_t kShownRoutes = 50;
/// How many upstreams: those with most in flight, then most answers. /upstreams has them all.
inline constexpr std::size_t kShownUpstreams = 50;
inline constexpr std::size_t kShownErrors = 30;

/// Everything the page shows, as totals: the page subtracts one answer from the next.
std::string stats_json(AdminSource& source);

}  // namespace gateway::admin
