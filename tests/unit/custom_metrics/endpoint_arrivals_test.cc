#include "gateway/custom_metrics/endpoint_arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/custom_metrics/cluster.h"

namespace gateway::custom_metrics {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kAddress = "10.0.0.1:80";

/// A process whose first look was at the beginning of its life.
class EndpointArrivalsTest : public testing::Test {
 protected:
  EndpointArrivalsTest() { (void)ask(); }
  /// Attempts that are over, to an endpoint of an upstream.
  void attempt(int count, const char* label = kAddress, const char* upstream = "app") {
    const auto cells = process_.registry().worker(0).endpoint(upstream, label);
    for (int i = 0; i < count; ++i) {
      cells->begin();
      cells->finish(200, 1ms);
    }
    held_.push_back(cells);
  }
  void second() { clock_.advance(1s); }
  RingsReport ask(const RingsQuery& query = {}) { return process_.rings().report(query); }

  FakeClock clock_;
  test::Process process_{clock_, "p", {"jobs"}};
  std::vector<std::shared_ptr<EndpointCells>> held_;
};

TEST_F(EndpointArrivalsTest, AnEndpointIsToldBesideTheRoutes) {
  attempt(7);
  EXPECT_THAT(ask().routes, IsEmpty()) << "of the running second nothing is told";
  process_.arrive("jobs", 5);
  second();
  const RingsReport report = ask();
  ASSERT_THAT(report.routes, SizeIs(2));
  EXPECT_EQ(report.routes[0].name, "jobs");
  EXPECT_EQ(report.routes[1].name, "@10.0.0.1:80");
  EXPECT_THAT(report.routes[1].arrivals, ElementsAre(Arrivals{0, 7}));
  EXPECT_EQ(*decode_report(encode(report)),
            (RingsReport{
                "p", report.second, report.known_seconds, {report.routes[1], report.routes[0]}}));
}

TEST_F(EndpointArrivalsTest, OnlyNewsSinceTheCursor) {
  attempt(7);
  second();
  const RingsReport first = ask();
  const RingsQuery next{first.replica, first.second, {}};
  EXPECT_THAT(ask(next).routes, IsEmpty());
  attempt(2);
  second();
  EXPECT_THAT(ask(next).routes.at(0).arrivals, ElementsAre(Arrivals{0, 2}));
  EXPECT_THAT(ask().routes.at(0).arrivals, ElementsAre(Arrivals{0, 2}, Arrivals{1, 7}));
}

TEST_F(EndpointArrivalsTest, UpstreamsAndWorkersWithOneAddressAreOneEndpoint) {
  attempt(3);
  attempt(4, kAddress, "other");
  const auto waiting = process_.registry().control().endpoint("app", kAddress);
  waiting->begin();
  second();
  const RingsReport report = ask();
  ASSERT_THAT(report.routes, SizeIs(1));
  EXPECT_THAT(report.routes[0].arrivals, ElementsAre(Arrivals{0, 8}));
  EXPECT_EQ(report.routes[0].in_flight, 1);
  waiting->finish(0, 1ms);
  second();
  EXPECT_EQ(ask().routes.at(0).in_flight, 0) << "over, and counted once";
  EXPECT_THAT(ask().routes.at(0).arrivals, ElementsAre(Arrivals{1, 8}));
}

TEST_F(EndpointArrivalsTest, WhatIsUnderWayForLongIsToldAgain) {
  const auto cells = process_.registry().worker(0).endpoint("app", kAddress);
  cells->begin();
  clock_.advance(90s);
  (void)ask();
  clock_.advance(90s);
  ASSERT_THAT(ask().routes, SizeIs(1));
  EXPECT_EQ(ask().routes[0].in_flight, 1);
  EXPECT_THAT(ask().routes[0].arrivals, IsEmpty());
}

TEST_F(EndpointArrivalsTest, BetweenTwoLooksItIsSpreadEvenly) {
  clock_.advance(500ms);  // looks are half a second after the full one, every 1.5 s
  second();
  (void)ask();
  attempt(30);
  clock_.advance(1500ms);
  EXPECT_THAT(ask().routes.at(0).arrivals, ElementsAre(Arrivals{0, 20}, Arrivals{1, 10}));
  attempt(30);
  clock_.advance(1500ms);
  EXPECT_THAT(ask().routes.at(0).arrivals,
              ElementsAre(Arrivals{0, 20}, Arrivals{1, 20}, Arrivals{2, 10}))
      << "the rest is of the running second";
}

TEST_F(EndpointArrivalsTest, EachUpstreamOfAnEndpointIsSpreadOverTheSameSeconds) {
  clock_.advance(500ms);
  second();
  (void)ask();
  attempt(30);
  attempt(3, kAddress, "other");
  clock_.advance(1500ms);
  const RingsReport report = ask();
  EXPECT_THAT(report.routes.at(0).arrivals, ElementsAre(Arrivals{0, 22}, Arrivals{1, 11}));
  EXPECT_TRUE(decode_report(encode(report))) << "a second that is told twice is refused";
}

TEST_F(EndpointArrivalsTest, NothingIsLostOrToldTwiceInTheSpreading) {
  std::uint64_t told = 0;
  RingsQuery next;
  for (int look = 0; look < 40; ++look) {
    attempt(7);
    clock_.advance(1037ms);
    const RingsReport report = ask(next);
    next = {report.replica, report.second, {}};
    for (const RouteReport& each : report.routes)
      for (const Arrivals& arrivals : each.arrivals) told += arrivals.count;
  }
  second();
  for (const RouteReport& each : ask(next).routes)
    for (const Arrivals& arrivals : each.arrivals) told += arrivals.count;
  EXPECT_EQ(told, 280U);
}

TEST_F(EndpointArrivalsTest, WhoLooksLateSpreadsOverTheLifeOfTheProcess) {
  test::Process late(clock_, "late", {});
  const auto cells = late.registry().worker(0).endpoint("app", kAddress);
  for (int i = 0; i < 1000; ++i) {
    cells->begin();
    cells->finish(200, 1ms);
  }
  clock_.advance(100s);
  const RingsReport report = late.rings().report({});
  ASSERT_THAT(report.routes, SizeIs(1));
  ASSERT_THAT(report.routes[0].arrivals, SizeIs(60));
  EXPECT_EQ(report.routes[0].arrivals.front(), (Arrivals{0, 10}));
  EXPECT_EQ(report.routes[0].arrivals.back(), (Arrivals{59, 10}));
}

TEST_F(EndpointArrivalsTest, ASeriesThatCameBackBeginsAnew) {
  attempt(5);
  second();
  (void)ask();
  held_.clear();
  process_.registry().refresh();
  clock_.advance(6min);
  process_.registry().refresh();
  EXPECT_THAT(ask().routes, IsEmpty());
  attempt(2);
  second();
  EXPECT_THAT(ask().routes.at(0).arrivals, ElementsAre(Arrivals{0, 2}));
}

class EndpointSumTest : public testing::Test {
 protected:
  static void attempt(test::Process& process, const char* label, int count) {
    for (int i = 0; i < count; ++i) {
      const auto cells = process.registry().worker(0).endpoint("app", label);
      cells->begin();
      cells->finish(200, 1ms);
    }
  }
  void minute() {
    for (int i = 0; i < 61; ++i) {
      attempt(cluster_.own(), kAddress, 10);
      attempt(cluster_.peer("a"), kAddress, 20);
      attempt(cluster_.peer("a"), "10.0.0.2:80", 5);
      cluster_.second();
    }
  }
  EndpointSumTest() {
    cluster_.add("a");
    cluster_.list_all();
    cluster_.second();
  }
  test::Cluster cluster_;
};

TEST_F(EndpointSumTest, EndpointsAreSummedOverReplicas) {
  minute();
  EXPECT_NEAR(cluster_.per_second("@10.0.0.1:80"), 30, 0.1);
  EXPECT_NEAR(cluster_.per_second("@10.0.0.2:80"), 5, 0.1);
  EXPECT_EQ(cluster_.in_flight("@10.0.0.1:80"), 0);
  const std::vector<std::string> both{"@10.0.0.1:80", "@10.0.0.2:80"};
  EXPECT_NEAR(cluster_.sum().rate(both)->per_second, 35, 0.1);
}

TEST_F(EndpointSumTest, NobodyTellsOfAnIdleOne) {
  minute();
  EXPECT_EQ(cluster_.per_second("@10.0.0.9:80"), 0);
  EXPECT_FALSE(cluster_.sum().knows("@10.0.0.9:80")) << "others who name it learn that it is none";
}

TEST_F(EndpointSumTest, TheyAreNoRoutes) {
  minute();
  EXPECT_EQ(cluster_.sum().routes(), (std::vector<std::string>{"idle", "jobs"}));
}

TEST_F(EndpointSumTest, ASilentPeerCountsOnAndTheDarkIsAnError) {
  minute();
  cluster_.silence("a");
  cluster_.second();
  EXPECT_GT(cluster_.per_second("@10.0.0.1:80"), 25);
  cluster_.seconds(5);
  EXPECT_EQ(cluster_.rate("@10.0.0.1:80").error().code, ErrorCode::no_endpoint);
}

TEST_F(EndpointSumTest, MoreEndpointsThanAreCountedApartAreNoNumber) {
  Registry::Limits limits;
  limits.endpoints = 1;
  Registry registry(1, cluster_.clock(), limits);
  ReplicaRings rings(registry, "small");
  (void)rings.report({});
  const auto one = registry.worker(0).endpoint("app", kAddress);
  const auto other = registry.worker(0).endpoint("app", "10.0.0.2:80");
  ClusterSum sum(cluster_.clock(), "small");
  sum.set_peers({});
  one->begin();
  cluster_.clock().advance(10s);
  sum.accept_own(rings.report({}), rings.names(), rings.upstreams());
  const std::string name = "@10.0.0.2:80";
  EXPECT_EQ(sum.in_flight(std::span(&name, 1)).value_or(-1), 0);
  other->begin();
  cluster_.clock().advance(1s);
  sum.accept_own(rings.report({}), rings.names(), rings.upstreams());
  EXPECT_EQ(sum.in_flight(std::span(&name, 1)).error().code, ErrorCode::no_endpoint);
}

}  // namespace
}  // namespace gateway::custom_metrics
