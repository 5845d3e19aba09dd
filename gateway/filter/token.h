#pragma once

#include "gateway/filter/filter.h"

namespace gateway::filter {

/// Lets a request pass only with a token that the token upstream knows: `Authorization: TOKEN` or
/// `Authorization: Bearer TOKEN`. 401 without a good one, 503 without a verdict: it fails closed.
extern const FilterType kToken;

}  // namespace gateway::filter
