#include "gateway/metrics/rate_window.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gateway/base/random.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

RateHistory constant(std::uint64_t per_second) {
  RateHistory history;
  history.fill(per_second);
  return history;
}

TEST(RequestRate, NothingKnownIsNoRate) {
  EXPECT_EQ(request_rate(constant(100), 0).window, 0);
  EXPECT_EQ(request_rate(constant(100), 0).per_second, 0);
}

TEST(RequestRate, AnIdleRouteIsZeroOverAMinute) {
  EXPECT_EQ(request_rate({}).per_second, 0);
  EXPECT_EQ(request_rate({}).window, 60);
}

TEST(RequestRate, WindowShrinksAsArrivalsGrow) {
  EXPECT_EQ(request_rate(constant(5)).window, 60);
  EXPECT_EQ(request_rate(constant(10)).window, 40);
  EXPECT_EQ(request_rate(constant(20)).window, 20);
  EXPECT_EQ(request_rate(constant(80)).window, 5);
  EXPECT_EQ(request_rate(constant(100'000)).window, 5);
  for (const std::uint64_t rate : {5, 10, 20, 80, 100'000})
    EXPECT_DOUBLE_EQ(request_rate(constant(rate)).per_second, static_cast<double>(rate));
}

TEST(RequestRate, AYoungProcessDividesByWhatItKnows) {
  RateHistory history{};
  history[0] = history[1] = history[2] = 6;
  EXPECT_DOUBLE_EQ(request_rate(history, 3).per_second, 6);
  EXPECT_EQ(request_rate(history, 3).window, 3);
}

TEST(RequestRate, ABurstIsSeenWithinItsFirstSeconds) {
  RateHistory history = constant(2);
  for (int age = 0; age < 5; ++age) history[age] = 20;
  EXPECT_EQ(request_rate(history).window, 5);
  EXPECT_DOUBLE_EQ(request_rate(history).per_second, 20);
}

TEST(RequestRate, ASlowerRiseIsSeenOverTenOrTwentySeconds) {
  RateHistory history = constant(1);
  for (int age = 0; age < 20; ++age) history[age] = 3;
  const RequestRate rate = request_rate(history);
  EXPECT_EQ(rate.window, 20);
  EXPECT_DOUBLE_EQ(rate.per_second, 3);
}

TEST(RequestRate, SevenRequestsAreNoBurst) {
  RateHistory history{};
  history[0] = 7;
  EXPECT_EQ(request_rate(history).window, 60);
  history[0] = 9;
  EXPECT_EQ(request_rate(history).window, 5);
}

// Arrivals of a Poisson process, fed through the ring second by second.
class Arrivals {
 public:
  explicit Arrivals(std::uint64_t seed) : random_(seed) {}

  RequestRate next_second(double per_second) {
    for (int i = poisson(per_second); i > 0; --i) ring_.add(now_);
    now_ += 1s;
    RateHistory history{};
    ring_.read_into(history, now_);
    return request_rate(history);
  }

 private:
  int poisson(double mean) {
    const double limit = std::exp(-mean);
    int count = 0;
    for (double product = random_.unit(); product > limit; product *= random_.unit()) ++count;
    return count;
  }
  Random random_;
  RateRing ring_;
  Instant now_{1000s};
};

TEST(RequestRate, ATriplingIsSeenInSecondsAndForgottenInAMinute) {
  constexpr int kRounds = 200;
  int up = 0;
  int down = 0;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    Arrivals arrivals(seed);
    for (int i = 0; i < 100; ++i) arrivals.next_second(5);
    do ++up;
    while (arrivals.next_second(15).per_second < 13.5);
    for (int i = 0; i < 100; ++i) arrivals.next_second(15);
    do ++down;
    while (arrivals.next_second(5).per_second > 5.5);
  }
  EXPECT_LT(up, 7 * kRounds);
  EXPECT_LT(down, 62 * kRounds);
}

TEST(RequestRate, SteadyTrafficShowsASteadyRate) {
  constexpr int kSeconds = 36'000;
  for (const double rate : {5.0, 15.0, 50.0}) {
    Arrivals arrivals(7);
    for (int i = 0; i < 60; ++i) arrivals.next_second(rate);
    int wrong = 0;
    double sum = 0;
    for (int i = 0; i < kSeconds; ++i) {
      const double shown = arrivals.next_second(rate).per_second;
      sum += shown;
      if (std::abs(shown - rate) > rate * 0.25) ++wrong;
    }
    EXPECT_LT(wrong, kSeconds / 1000) << rate;
    EXPECT_NEAR(sum / kSeconds, rate, rate * 0.01);
  }
}

}  // namespace
}  // namespace gateway
