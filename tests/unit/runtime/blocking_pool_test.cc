#include "gateway/runtime/blocking_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/unit/runtime/turns.h"

namespace gateway {
namespace {

TEST(BlockingPoolTest, WorksElsewhereAndAnswersOnTheLoop) {
  EventLoop loop;
  BlockingPool pool(2, 16);
  std::thread::id worked;
  std::string answer;
  ASSERT_TRUE(pool.run(
      loop,
      [&] {
        worked = std::this_thread::get_id();
        return std::string("density");
      },
      [&](std::string name) {
        EXPECT_TRUE(loop.in_loop_thread());
        answer = std::move(name);
      }));
  ASSERT_TRUE(run_until(loop, [&] { return !answer.empty(); }));
  EXPECT_EQ(answer, "density");
  EXPECT_NE(worked, std::this_thread::get_id());
}

TEST(BlockingPoolTest, RefusesMoreThanMayWait) {
  std::promise<void> begun;
  std::promise<void> go;
  BlockingPool pool(1, 1);
  ASSERT_TRUE(pool.submit([&] {
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  go.set_value();
}

}  // namespace
}  // namespace gateway
