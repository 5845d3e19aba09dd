#include "gateway/routing/split.h"

#include <algorithm>

namespace gateway::routing {

Split::Split(const std::vector<config::WeightedUpstream>& upstreams) {
  std::uint64_t sum = 0;
  for (const config::WeightedUpstream& upstream : upstreams) {
    sum += upstream.weight;
    ends_.push_back(sum);
  }
}

std::size_t Split::pick(std::uint32_t random) const {
  if (ends_.empty() || ends_.back() == 0) return kNothing;
  if (ends_.size() == 1) return 0;
  __extension__ using Wide = unsigned __int128;
  const auto at = static_cast<std::uint64_t>(Wide{ends_.back()} * random >> 32);
  // An upstream of weight 0 ends where the one before it does, so it is never the first above.
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), at);
  return static_cast<std::size_t>(found - ends_.begin());
}

}  // namespace gateway::routing
