#pragma once

#include <chrono>

namespace gateway {

using Duration = std::chrono::nanoseconds;
/// A point of the monotonic clock. Wall-clock time is only for logs, dates and token expiry.
using Instant = std::chrono::steady_clock::time_point;

/// Where time comes from; tests hand in FakeClock.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
};

/// Time that moves only when a test says so.
class FakeClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_{std::chrono::hours(1)};
};

}  // namespace gateway
