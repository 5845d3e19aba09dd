#include "gateway/runtime/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "gateway/base/random.h"

namespace gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A wheel whose time moves by hand and which is advanced exactly when it asks for it.
class Wheel {
 public:
  Wheel() : wheel_(clock_, Callback<Instant>::bind<&Wheel::wake>(this)) {}

  TimerWheel& wheel() { return wheel_; }
  Instant now() const { return clock_.now(); }

  void run_for(Duration time) {
    const Instant end = clock_.now() + time;
    while (wake_at_ <= end) {
      clock_.advance(std::max(Duration(0), wake_at_ - clock_.now()));
      wake_at_ = kNever;
      ++wake_ups_;
      wheel_.advance();
    }
    clock_.advance(end - clock_.now());
  }
  /// Time passes without anybody looking, as in a long computation.
  void sleep_through(Duration time) {
    clock_.advance(time);
    wake_at_ = kNever;
    wheel_.advance();
  }
  int wake_ups() const { return wake_ups_; }
  bool sleeps_for_good() const { return wake_at_ == kNever; }

 private:
  static constexpr Instant kNever = Instant::max();
  void wake(Instant at) { wake_at_ = std::min(wake_at_, at); }

  FakeClock clock_;
  Instant wake_at_ = kNever;
  int wake_ups_ = 0;
  TimerWheel wheel_;
};

/// A timer that remembers when it fired.
class Alarm {
 public:
  explicit Alarm(Wheel& wheel) : wheel_(wheel), timer_(Callback<>::bind<&Alarm::fire>(this)) {}

  void arm(Duration after) { timer_.arm(wheel_.wheel(), after); }
  void cancel() { timer_.cancel(); }
  bool armed() const { return timer_.armed(); }
  int fired() const { return fired_; }
  Instant when() const { return when_; }
  void arm_again_after(Duration after) { again_ = after; }

 private:
  void fire() {
    ++fired_;
    when_ = wheel_.now();
    if (again_ > Duration(0)) arm(again_);
  }

  Wheel& wheel_;
  Timer timer_;
  int fired_ = 0;
  Instant when_{};
  Duration again_{0};
};

TEST(TimerTest, FiresOnceNeverEarlyAtMostAStepLate) {
  for (const Duration after :
       {Duration(milliseconds(0)), Duration(milliseconds(1)), Duration(milliseconds(10)),
        Duration(milliseconds(123)), Duration(seconds(10)), Duration(seconds(11)),
        Duration(seconds(3600))}) {
    Wheel wheel;
    Alarm alarm(wheel);
    const Instant begin = wheel.now();
    alarm.arm(after);
    EXPECT_TRUE(alarm.armed());
    wheel.run_for(2 * after + seconds(1));
    EXPECT_EQ(alarm.fired(), 1);
    EXPECT_FALSE(alarm.armed());
    EXPECT_GE(alarm.when() - begin, after);
    EXPECT_LE(alarm.when() - begin, after + TimerWheel::kStep);
  }
}

TEST(TimerTest, CanceledAndDeadTimersDoNotFire) {
  Wheel wheel;
  Alarm canceled(wheel);
  canceled.arm(seconds(1));
  canceled.cancel();
  canceled.cancel();
  auto dead = std::make_unique<Alarm>(wheel);
  dead->arm(seconds(1));
  dead.reset();
  wheel.run_for(seconds(5));
  EXPECT_EQ(canceled.fired(), 0);
}

TEST(TimerTest, DeadlinesMoveBothWays) {
  Wheel wheel;
  Alarm later(wheel), sooner(wheel);
  const Instant begin = wheel.now();
  later.arm(seconds(1));
  later.arm(seconds(3));
  sooner.arm(seconds(3));
  sooner.arm(seconds(1));
  wheel.run_for(seconds(5));
  EXPECT_EQ(later.fired(), 1);
  EXPECT_GE(later.when() - begin, seconds(3));
  EXPECT_EQ(sooner.fired(), 1);
  EXPECT_LE(sooner.when() - begin, seconds(1) + TimerWheel::kStep);
}

// An idle timeout is moved with each request: that must not wake the loop up each time.
TEST(TimerTest, MovingADeadlineLaterCostsNoWakeUps) {
  Wheel wheel;
  Alarm alarm(wheel);
  for (int i = 0; i < 1000; ++i) {
    alarm.arm(seconds(5));
    wheel.run_for(milliseconds(10));
  }
  EXPECT_EQ(alarm.fired(), 0);
  EXPECT_LE(wheel.wake_ups(), 3);
}

TEST(TimerTest, AnEmptyWheelAsksForNothing) {
  Wheel wheel;
  EXPECT_TRUE(wheel.sleeps_for_good());
  Alarm alarm(wheel);
  alarm.arm(seconds(1));
  wheel.run_for(seconds(2));
  EXPECT_TRUE(wheel.sleeps_for_good());
}

TEST(TimerTest, ATimerMayArmItselfAgain) {
  Wheel wheel;
  Alarm alarm(wheel);
  alarm.arm_again_after(milliseconds(100));
  alarm.arm(milliseconds(100));
  wheel.run_for(seconds(10));
  EXPECT_GE(alarm.fired(), 90);
  EXPECT_LE(alarm.fired(), 100);
}

TEST(TimerTest, NothingIsLostWhenTimeJumps) {
  Wheel wheel;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 50; ++i) {
    alarms.push_back(std::make_unique<Alarm>(wheel));
    alarms.back()->arm(milliseconds(i * 997));
  }
  wheel.sleep_through(seconds(100));
  wheel.run_for(seconds(1));
  for (const auto& alarm : alarms) EXPECT_EQ(alarm->fired(), 1);
}

TEST(TimerTest, RandomUseNeverFiresEarlyOrTwice) {
  Random random(3);
  Wheel wheel;
  struct Expected {
    std::unique_ptr<Alarm> alarm;
    Instant due{};
    int fired = 0;
    bool armed = false;
  };
  std::vector<Expected> all(40);
  for (auto& one : all) one.alarm = std::make_unique<Alarm>(wheel);
  for (int step = 0; step < 4000; ++step) {
    Expected& one = all[random.below(40)];
    if (random.below(4) == 0) {
      one.alarm->cancel();
      one.armed = false;
    } else {
      const Duration after = milliseconds(random.below(25'000));
      one.alarm->arm(after);
      one.due = wheel.now() + after;
      one.armed = true;
    }
    wheel.run_for(milliseconds(random.below(60)));
    for (auto& each : all) {
      const bool due = each.armed && each.due + TimerWheel::kStep <= wheel.now();
      if (each.alarm->fired() != each.fired) {
        ASSERT_TRUE(each.armed);
        ASSERT_GE(each.alarm->when(), each.due);
        ASSERT_EQ(each.alarm->fired(), each.fired + 1);
        each.fired = each.alarm->fired();
        each.armed = false;
      }
      ASSERT_FALSE(due && each.armed) << "late";
    }
  }
}

}  // namespace
}  // namespace gateway
