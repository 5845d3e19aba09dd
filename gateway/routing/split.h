#pragma once

#include <cstdint>
#include <vector>

#include "gateway/config/model.h"

namespace gateway::routing {

/// A weighted choice among the upstreams of a route. Immutable.
class Split {
 public:
  static constexpr std::size_t kNothing = SIZE_MAX;

  Split() = default;
  explicit Split(const std::vector<config::WeightedUpstream>& upstreams);

  /// Position in `forward`, by a number uniform over its whole range; kNothing when no upstream has
  /// a weight above 0.
  std::size_t pick(std::uint32_t random) const;

 private:
  std::vector<std::uint64_t> ends_;  ///< sums of the weights up to and with each upstream
};

}  // namespace gateway::routing
