#include "gateway/upstream/retry_budget.h"

#include <gtest/gtest.h>

namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;

int granted(RetryBudget& budget, Instant now, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += budget.try_retry(now);
  return count;
}

TEST(RetryBudget, GrantsAShareOfTheRequests) {
  FakeClock clock;
  RetryBudget budget(0.2, 3);
  int retries = 0;
  for (int i = 0; i < 10'000; ++i) {  // a storm: every request wants two retries
    budget.count_request(clock.now());
    retries += granted(budget, clock.now(), 2);
    clock.advance(1ms);
  }
  EXPECT_EQ(retries, 2000);
}

TEST(RetryBudget, GrantsTheFloorToQuietUpstreams) {
  FakeClock clock;
  RetryBudget budget(0.2, 3);
  EXPECT_EQ(granted(budget, clock.now(), 100), 30);
  clock.advance(9s);
  EXPECT_EQ(granted(budget, clock.now(), 100), 0);
  clock.advance(1s);
  EXPECT_EQ(granted(budget, clock.now(), 100), 30);
}

TEST(RetryBudget, ForgetsOldRequests) {
  FakeClock clock;
  RetryBudget budget(0.5, 0);
  for (int i = 0; i < 100; ++i) budget.count_request(clock.now());
  clock.advance(11s);
  EXPECT_FALSE(budget.try_retry(clock.now()));
  clock.advance(1h);
  budget.count_request(clock.now());
  budget.count_request(clock.now());
  EXPECT_TRUE(budget.try_retry(clock.now()));
  EXPECT_FALSE(budget.try_retry(clock.now()));
}

TEST(RetryBudget, NoneMeansNone) {
  FakeClock clock;
  RetryBudget budget(0, 0);
  budget.count_request(clock.now());
  EXPECT_FALSE(budget.try_retry(clock.now()));
}

}  // namespace
}  // namespace gateway::upstream
