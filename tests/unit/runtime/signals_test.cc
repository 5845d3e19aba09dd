#include "gateway/runtime/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/runtime/turns.h"

namespace gateway {
namespace {

TEST(SignalsTest, ArriveAsEventsOfTheLoop) {
  EventLoop loop;
  std::vector<int> seen;
  const Signals signals(loop, {SIGHUP, SIGUSR1}, [&](int number) { seen.push_back(number); });
  ::kill(::getpid(), SIGHUP);
  ::kill(::getpid(), SIGPIPE);  // ignored: a write to a closed peer is an error, not the end
  ASSERT_TRUE(run_until(loop, [&] { return !seen.empty(); }));
  ::kill(::getpid(), SIGUSR1);
  ASSERT_TRUE(run_until(loop, [&] { return seen.size() == 2; }));
  EXPECT_EQ(seen, (std::vector<int>{SIGHUP, SIGUSR1}));
}

}  // namespace
}  // namespace gateway
