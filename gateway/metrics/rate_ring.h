#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "gateway/base/clock.h"

namespace gateway {

/// Arrivals of the last minute by age: [0] is the last complete second, [59] the one a minute ago.
using RateHistory = std::array<std::uint64_t, 60>;

/// Arrivals per second of the process's monotonic clock, 64 seconds back. One writer; readers on
/// other threads see whole buckets, because second and count share one word.
class RateRing {
 public:
  static constexpr std::size_t kBuckets = 64;

  static std::uint32_t second_of(Instant instant) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(instant.time_since_epoch()).count());
  }

  void add(Instant now) { add_at(second_of(now), 1); }

  /// Adds what this ring knows of the sixty complete seconds before `now`; the running one is left
  /// out.
  void read_into(RateHistory& history, Instant now) const {
    const std::uint32_t second = second_of(now);
    for (std::uint32_t age = 0; age < history.size(); ++age) {
      const std::uint64_t bucket = load((second - 1 - age) % kBuckets);
      if (bucket >> 32 == second - 1 - age) history[age] += bucket & UINT32_MAX;
    }
  }

  void merge(const RateRing& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) {
      const std::uint64_t theirs = other.load(i);
      const auto second = static_cast<std::uint32_t>(theirs >> 32);
      if (theirs != 0 && second >= load(i) >> 32)
        add_at(second, static_cast<std::uint32_t>(theirs & UINT32_MAX));
    }
  }

 private:
  // Second in the upper half, count in the lower.
  void add_at(std::uint32_t second, std::uint32_t count) {
    std::atomic<std::uint64_t>& slot = slots_[second % kBuckets];
    std::uint64_t bucket = slot.load(std::memory_order_relaxed);
    if (bucket >> 32 != second) bucket = std::uint64_t{second} << 32;
    slot.store(bucket + count, std::memory_order_relaxed);
  }
  std::uint64_t load(std::size_t slot) const {
    return slots_[slot].load(std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> slots_{};
};

}  // namespace gateway
