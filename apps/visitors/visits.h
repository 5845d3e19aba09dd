#pragma once

#include <cstdint>
#include <string>

#include "apps/database/schema.h"
#include "gateway/base/address.h"

namespace gateway::apps {

struct Visits {
  std::uint64_t own = 0;       ///< of this visitor
  std::uint64_t visitors = 0;  ///< different ones, ever
};

Schema visits_schema();

/// Who counts as one visitor: an IPv4 address, or the /64 network of an IPv6 one, since its owner
/// changes the rest of it every day.
std::string visitor_name(const IpAddress& client);

/// Counts one more visit. May block, as does the next one.
Result<Visits> count_visit(Database& database, const std::string& visitor);
/// What has been counted, without a visit.
Result<Visits> read_visits(Database& database, const std::string& visitor);

}  // namespace gateway::apps
