#pragma once

#include <array>
#include <cstdint>

#include "gateway/base/clock.h"

namespace gateway::upstream {

/// Keeps retries from turning an upstream's bad minute into an outage: over the last ten seconds,
/// at most `ratio` retries per request, or `floor_per_second` retries a second if that is more. One
/// per worker and upstream; not thread-safe.
class RetryBudget {
 public:
  static constexpr std::uint32_t kWindowSeconds = 10;

  RetryBudget(double ratio, std::uint32_t floor_per_second)
      : ratio_(ratio), floor_(floor_per_second) {}

  /// New settings; what was counted stays.
  void configure(double ratio, std::uint32_t floor_per_second) {
    ratio_ = ratio;
    floor_ = floor_per_second;
  }

  /// Once for each call, when it starts; not for its retries.
  void count_request(Instant now);
  /// Asks for one retry; counts it when it is granted.
  bool try_retry(Instant now);

 private:
  struct Second {
    std::uint32_t requests = 0;
    std::uint32_t retries = 0;
  };
  void advance(Instant now);

  double ratio_;
  std::uint32_t floor_;
  std::array<Second, kWindowSeconds> seconds_{};
  std::int64_t current_ = 0;  ///< second of the clock that seconds_[current_ % size] counts
  std::uint64_t requests_ = 0;
  std::uint64_t retries_ = 0;
};

}  // namespace gateway::upstream
