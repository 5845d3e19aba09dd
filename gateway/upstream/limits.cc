#include "gateway/upstream/limits.h"

namespace gateway::upstream {

bool Bound::try_take(std::uint32_t limit) {
  if (limit == 0) {
    taken_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint32_t taken = taken_.load(std::memory_order_relaxed);
  while (taken < limit)
    if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed)) return true;
  return false;
}

}  // namespace gateway::upstream
