#include "gateway/upstream/limits.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gateway::upstream {
namespace {

TEST(Bound, IsNeverExceededByAnyNumberOfWorkers) {
  Bound bound;
  std::atomic<int> refused{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        const Place place = Place::take(bound, 2);
        if (!place) ++refused;
        if (bound.taken() > 2) exceeded = true;
      }
    });
  for (auto& worker : workers) worker.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(bound.taken(), 0U);
}

TEST(Bound, RefusesWhenFullAndTakesAgainWhenAPlaceIsFree) {
  Bound bound;
  Place first = Place::take(bound, 1);
  EXPECT_TRUE(first);
  EXPECT_FALSE(Place::take(bound, 1));
  first.release();
  first.release();
  EXPECT_TRUE(Place::take(bound, 1));
}

TEST(Bound, CountsWithoutALimitToo) {
  Bound bound;
  const Place first = Place::take(bound, 0);
  Place second = Place::take(bound, 0);
  EXPECT_EQ(bound.taken(), 2U);
  const Place moved = std::move(second);
  EXPECT_EQ(bound.taken(), 2U);
}

}  // namespace
}  // namespace gateway::upstream
