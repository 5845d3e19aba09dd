#pragma once

#include "gateway/filter/filter.h"

/// The row that each policy's file defines; table.cc lists them in order.
namespace gateway::filter {

extern const FilterType kRequestId;
extern const FilterType kAllowDeny;
extern const FilterType kRateLimit;
extern const FilterType kBodyLimit;
extern const FilterType kToken;
extern const FilterType kHeaderEdits;

}  // namespace gateway::filter
