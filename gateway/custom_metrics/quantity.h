#pragma once

#include <string>

#include "gateway/base/result.h"

namespace gateway::custom_metrics {

/// A number as a Kubernetes quantity: an integer, with `m` (thousandths) where it is none:
/// "12500m", "0", "40". Rounded up: what is asked for must not come out lower. Fails for what is no
/// number, infinite, negative or past 2^63 thousandths.
Result<std::string> quantity(double value);

}  // namespace gateway::custom_metrics
