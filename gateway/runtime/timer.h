#pragma once

#include <array>
#include <cstdint>

#include "gateway/base/callback.h"
#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"

namespace gateway {

class TimerWheel;

/// A deadline that lives inside its owner and unlinks itself when it dies. Fires once, never early,
/// at most one wheel step late.
class Timer : private ListHook<Timer> {
 public:
  Timer() = default;
  explicit Timer(Callback<> callback) : callback_(callback) {}
  void set(Callback<> callback) { callback_ = callback; }

  /// (Re)arms. Moving a deadline later costs two stores: the wheel finds out when it comes by.
  void arm(TimerWheel& wheel, Duration after);
  void cancel() {
    unlink();
    armed_ = false;
  }
  bool armed() const { return armed_; }
  Instant deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  friend class IntrusiveList<Timer, Timer>;
  Callback<> callback_;
  Instant deadline_{};
  Instant slot_since_{};  ///< deadlines after it are not before the slot that it is linked in
  bool armed_ = false;
};

/// Hashed wheel of 1,024 slots of 10 ms; deadlines further out wait in the last slot and are
/// re-filed when it comes by. Does not tick when empty: it asks its owner to call `advance` at one
/// instant.
class TimerWheel {
 public:
  static constexpr Duration kStep = std::chrono::milliseconds(10);
  static constexpr std::size_t kSlots = 1024;

  /// `clock` outlives the wheel. `wake` is called with the next instant at which `advance` is
  /// wanted, whenever that moves earlier.
  TimerWheel(const Clock& clock, Callback<Instant> wake);

  /// Fires everything that is due; asks for the next wake-up if timers remain.
  void advance();
  bool empty() const { return count_ == 0; }
  Instant now() const { return clock_.now(); }

 private:
  friend class Timer;
  std::uint64_t tick_of(Instant instant) const;
  Instant instant_of(std::uint64_t tick) const {
    return origin_ + static_cast<Duration::rep>(tick) * kStep;
  }
  void insert(Timer& timer);
  void schedule(std::uint64_t tick);
  void run_slot(std::uint64_t tick, Instant now);
  std::uint64_t next_occupied(std::uint64_t from) const;

  const Clock& clock_;
  Callback<Instant> wake_;
  Instant origin_;
  std::uint64_t current_ = 0;        ///< all ticks before it have been run
  std::uint64_t scheduled_ = ~0ULL;  ///< tick of the requested wake-up
  std::size_t count_ = 0;            ///< upper bound on linked timers, corrected as slots run
  std::array<IntrusiveList<Timer, Timer>, kSlots> slots_;
};

inline void Timer::arm(TimerWheel& wheel, Duration after) {
  deadline_ = wheel.now() + after;
  armed_ = true;
  // Later than where it is filed: leave it there, the wheel re-files it when it comes by.
  if (linked() && deadline_ > slot_since_) return;
  unlink();
  wheel.insert(*this);
}

}  // namespace gateway
