#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "gateway/base/callback.h"
#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/random.h"
#include "gateway/runtime/timer.h"

struct uv_loop_s;

namespace gateway {

/// Work that waits for the end of the loop's current turn, when all events that arrived together
/// have been handled: answers that were made together leave together. A member of whoever wants it;
/// running or dying unlinks it.
class Deferred : public ListHook<Deferred> {
 public:
  Deferred() = default;
  explicit Deferred(Callback<> callback) : callback_(callback) {}
  void set(Callback<> callback) { callback_ = callback; }

 private:
  friend class EventLoop;
  Callback<> callback_;
};

/// Base of what may still be on the call stack when it closes: `EventLoop::free_later` deletes it
/// at the end of the turn ("close now, free later").
class Disposable : public ListHook<Disposable> {
 public:
  virtual ~Disposable() = default;
};

/// One thread's event loop. Everything but `post`, `stop` and `now_anywhere` belongs to the thread
/// that runs it. Order of a turn: I/O events, due timers, deferred work, disposals: after a stall a
/// connection that opened meanwhile is not taken for one that was too slow.
class EventLoop final : public Clock {
 public:
  EventLoop();
  ~EventLoop() override;  ///< after run() returned and everything registered was closed
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until `stop()`; then handles what closing handles still need.
  void run();
  /// Any thread.
  void stop();
  /// One turn: blocks for at most `wait` (tests and start-up code).
  void run_once(Duration wait);

  /// Any thread: `task` runs on the loop's thread, in order of posting. Never runs inside this
  /// call. Tasks posted after the loop ended are destroyed unrun.
  void post(std::function<void()> task);

  /// Monotonic time, read at most once a turn: all that happens in one turn happens at one instant.
  Instant now() const override {
    if (!now_valid_) [[unlikely]]
      read_clock();
    return now_;
  }
  /// Reads the clock anew (after a long computation).
  void refresh_now() { now_valid_ = false; }

  TimerWheel& timers() { return timers_; }
  Random& random() { return random_; }

  /// Runs `work` at the end of this turn; does nothing when it is queued already.
  void defer(Deferred& work) {
    if (!work.linked()) deferred_.push_back(work);
  }
  /// Takes ownership; deletes at the end of the turn, after deferred work.
  void free_later(Disposable* object) { disposals_.push_back(*object); }

  /// Events handled one after the other within this turn see one number, a later turn another.
  std::uint64_t turn() const { return turn_; }

  bool in_loop_thread() const;

  /// For the fenced users of libuv only (runtime/ and net/).
  uv_loop_s* uv() { return uv_.get(); }

 private:
  struct Shared;
  struct UvDelete {
    void operator()(uv_loop_s* loop) const;
  };
  void after_events();
  void end_of_turn();
  void drain_posted();
  void read_clock() const;
  void arm_wheel(Instant at);
  void on_wheel();

  std::unique_ptr<uv_loop_s, UvDelete> uv_;
  std::unique_ptr<Shared> shared_;
  // Before the wheel, which asks for the time when it is made.
  mutable Instant now_;
  mutable bool now_valid_ = false;
  TimerWheel timers_;
  Random random_;
  IntrusiveList<Deferred, Deferred> deferred_;
  IntrusiveList<Disposable, Disposable> disposals_;
  std::uint64_t turn_ = 0;
  bool wheel_due_ = false;
};

}  // namespace gateway
