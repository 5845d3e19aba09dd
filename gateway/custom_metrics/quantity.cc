#include "gateway/custom_metrics/quantity.h"

#include <cmath>
#include <cstdint>

namespace gateway::custom_metrics {

Result<std::string> quantity(double value) {
  constexpr double kMost = 9.0e15;
  if (!std::isfinite(value) || value < 0 || value > kMost)
    return failure(ErrorCode::internal, Side::internal, "a sum came out as no number");
  // What is a thousandth but for the last bits of a double is that thousandth.
  const double scaled = value * 1000;
  const double nearest = std::nearbyint(scaled);
  const bool exact = std::abs(scaled - nearest) <= 1e-9 * std::max(1.0, nearest);
  const auto thousandths = static_cast<std::int64_t>(exact ? nearest : std::ceil(scaled));
  if (thousandths % 1000 == 0) return std::to_string(thousandths / 1000);
  return std::to_string(thousandths) + "m";
}

}  // namespace gateway::custom_metrics
