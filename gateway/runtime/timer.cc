#include "gateway/runtime/timer.h"

namespace gateway {

TimerWheel::TimerWheel(const Clock& clock, Callback<Instant> wake)
    : clock_(clock), wake_(wake), origin_(clock.now()) {}

std::uint64_t TimerWheel::tick_of(Instant instant) const {
  if (instant <= origin_) return 0;
  // Rounded up: a timer never fires before its deadline.
  return static_cast<std::uint64_t>((instant - origin_ + kStep - Duration(1)) / kStep);
}

void TimerWheel::insert(Timer& timer) {
  std::uint64_t tick = tick_of(timer.deadline_);
  if (tick < current_) tick = current_;
  if (tick >= current_ + kSlots) tick = current_ + kSlots - 1;
  timer.slot_since_ = instant_of(tick) - kStep;
  slots_[tick % kSlots].push_back(timer);
  ++count_;
  schedule(tick);
}

void TimerWheel::schedule(std::uint64_t tick) {
  if (tick >= scheduled_) return;
  scheduled_ = tick;
  wake_(instant_of(tick));
}

std::uint64_t TimerWheel::next_occupied(std::uint64_t from) const {
  for (std::uint64_t tick = from; tick < from + kSlots; ++tick)
    if (!slots_[tick % kSlots].empty()) return tick;
  return ~0ULL;
}

void TimerWheel::run_slot(std::uint64_t tick, Instant now) {
  IntrusiveList<Timer, Timer> due;
  due.take(slots_[tick % kSlots]);
  while (Timer* timer = due.pop_front()) {
    if (timer->deadline_ > now) {
      insert(*timer);
      continue;
    }
    timer->armed_ = false;
    timer->callback_();
  }
}

void TimerWheel::advance() {
  const Instant now = clock_.now();
  const auto last = static_cast<std::uint64_t>((now - origin_) / kStep);
  scheduled_ = 0;  // no wake-ups are asked for while slots run
  while (current_ <= last) {
    const std::uint64_t tick = next_occupied(current_);
    if (tick > last) {
      current_ = last + 1;
      break;
    }
    current_ = tick + 1;
    run_slot(tick, now);
  }
  scheduled_ = ~0ULL;
  const std::uint64_t next = next_occupied(current_);
  if (next == ~0ULL) {
    count_ = 0;
    return;
  }
  schedule(next);
}

}  // namespace gateway
