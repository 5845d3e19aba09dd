#pragma once

#include <cstdint>

namespace gateway {

/// A small fast generator (xoshiro256**, public domain algorithm by Blackman and Vigna). For load
/// balancing and jitter, never for secrets. One per worker; tests seed it. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// Seeded from the operating system.
  static Random from_entropy();

  std::uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_[4];
};

}  // namespace gateway
