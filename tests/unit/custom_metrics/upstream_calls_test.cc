#include "gateway/custom_metrics/upstream_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/custom_metrics/cluster.h"

namespace gateway::custom_metrics {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A process whose first look was at the beginning of its life.
class UpstreamCallsTest : public testing::Test {
 protected:
  UpstreamCallsTest() { (void)ask(); }
  void call(int status, int count) {
    const auto cells = process_.registry().worker(0).upstream("app");
    for (int i = 0; i < count; ++i) {
      cells->begin();
      cells->finish(status, 1ms, 0, 0);
    }
    held_.push_back(cells);
  }
  RingsReport ask(const RingsQuery& query = {}) { return process_.rings().report(query); }

  FakeClock clock_;
  test::Process process_{clock_, "p", {"jobs"}};
  std::vector<std::shared_ptr<UpstreamCells>> held_;
};

TEST_F(UpstreamCallsTest, CallsAndFailuresAreTwoSeriesBesideTheRoutes) {
  call(200, 7);
  call(404, 2);
  call(500, 1);
  call(0, 3);
  EXPECT_THAT(ask().routes, IsEmpty()) << "of the running second nothing is told";
  clock_.advance(1s);
  const RingsReport report = ask();
  ASSERT_THAT(report.routes, SizeIs(2));
  EXPECT_EQ(report.routes[0].name, ">app");
  EXPECT_THAT(report.routes[0].arrivals, ElementsAre(Arrivals{0, 13}));
  EXPECT_EQ(report.routes[1].name, "!app");
  EXPECT_THAT(report.routes[1].arrivals, ElementsAre(Arrivals{0, 4}));
  EXPECT_TRUE(decode_report(encode(report)));
  const RingsQuery next{report.replica, report.second, {}};
  EXPECT_THAT(ask(next).routes, IsEmpty());
}

TEST_F(UpstreamCallsTest, WhatIsUnderWayIsNotToldYet) {
  const auto cells = process_.registry().worker(0).upstream("app");
  cells->begin();
  clock_.advance(1s);
  EXPECT_THAT(ask().routes, IsEmpty());
  EXPECT_THAT(*process_.rings().upstreams(), ElementsAre("app"));
}

TEST_F(UpstreamCallsTest, AnUpstreamThatIsGoneIsForgotten) {
  call(500, 5);
  clock_.advance(1s);
  EXPECT_THAT(ask().routes, SizeIs(2));
  held_.clear();
  process_.registry().refresh();
  clock_.advance(6min);
  process_.registry().refresh();
  EXPECT_THAT(ask().routes, IsEmpty());
  EXPECT_THAT(*process_.rings().upstreams(), IsEmpty());
  call(200, 2);
  clock_.advance(1s);
  ASSERT_THAT(ask().routes, SizeIs(1)) << "its counters began anew";
  EXPECT_THAT(ask().routes[0].arrivals, ElementsAre(Arrivals{0, 2}));
}

}  // namespace
}  // namespace gateway::custom_metrics
