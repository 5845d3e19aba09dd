#include "gateway/custom_metrics/cluster_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/custom_metrics/cluster.h"

namespace gateway::custom_metrics {
namespace {

using test::Cluster;
using namespace std::chrono_literals;

class ClusterSumTest : public testing::Test {
 protected:
  /// Own and two peers, a minute of 10 requests a second each.
  void run_three() {
    cluster_.add("a");
    cluster_.add("b");
    cluster_.list_all();
    cluster_.seconds(61, 10, 10);
  }
  std::string state_of(std::string_view name) {
    for (const auto& peer : cluster_.sum().peers())
      if (peer.name == name) return std::string(peer.word);
    return "";
  }
  Cluster cluster_;
};

TEST_F(ClusterSumTest, SumsOwnAndPeers) {
  run_three();
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
  EXPECT_EQ(cluster_.rate()->window, 14) << "the shortest that holds 400";
}

TEST_F(ClusterSumTest, IdleIsZeroAndUnknownIsNot) {
  run_three();
  EXPECT_EQ(cluster_.per_second("idle"), 0);
  ASSERT_FALSE(cluster_.rate("nothing"));
  EXPECT_EQ(cluster_.rate("nothing").error().code, ErrorCode::not_found);
}

TEST_F(ClusterSumTest, ARouteThatOnlyAPeerHas) {
  run_three();
  cluster_.peer("a").arrive("new", 60);
  cluster_.clock().advance(1s);
  cluster_.round();
  EXPECT_GT(cluster_.per_second("new"), 0);
}

TEST_F(ClusterSumTest, SeveralRoutesAreOneSum) {
  run_three();
  cluster_.own().arrive("idle", 40);
  cluster_.second(10, 10);
  const std::vector<std::string> both{"jobs", "idle"};
  const auto rate = cluster_.sum().rate(both);
  ASSERT_TRUE(rate);
  EXPECT_GT(rate->per_second, 30);
}

TEST_F(ClusterSumTest, AMissedRoundIsCaughtUp) {
  run_three();
  for (int i = 0; i < 2; ++i) {  // requests arrive at b, only its answers are lost
    cluster_.own().arrive("jobs", 10);
    cluster_.peer("a").arrive("jobs", 10);
    cluster_.peer("b").arrive("jobs", 10);
    cluster_.silence("b");
    cluster_.clock().advance(1s);
    cluster_.round();
  }
  cluster_.wake("b");
  cluster_.second(10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
}

TEST_F(ClusterSumTest, ASilentPeerKeepsItsLastMinuteForThirtySeconds) {
  run_three();
  cluster_.silence("b");
  cluster_.seconds(20, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
  EXPECT_EQ(state_of("b"), "stale");
  cluster_.seconds(9, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
  cluster_.seconds(3, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 20, 0.01);
  EXPECT_EQ(state_of("b"), "lost");
}

TEST_F(ClusterSumTest, APeerThatComesBackCountsOnce) {
  run_three();
  cluster_.silence("b");
  cluster_.seconds(40, 10, 10);
  cluster_.wake("b");
  cluster_.seconds(61, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
  EXPECT_EQ(state_of("b"), "fresh");
}

TEST_F(ClusterSumTest, WhatArrivedAtAPeerThatLeftAgesOut) {
  run_three();
  cluster_.list({{"a"}});
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01) << "the past is what it was";
  cluster_.seconds(61, 15, 15);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01) << "its clients have gone to the others";
}

TEST_F(ClusterSumTest, ARestartIsToldById) {
  run_three();
  cluster_.restart("b");
  cluster_.second(10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 1) << "what the process before had is not forgotten";
  cluster_.seconds(61, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
}

TEST_F(ClusterSumTest, FewerThanHalfFreshIsNoAnswer) {
  run_three();
  cluster_.silence("b");
  cluster_.seconds(5, 10, 10);
  EXPECT_TRUE(cluster_.rate()) << "one of two is half";
  cluster_.silence("a");
  cluster_.seconds(2, 10, 10);
  EXPECT_TRUE(cluster_.rate());
  cluster_.seconds(3, 10, 10);
  ASSERT_FALSE(cluster_.rate());
  EXPECT_EQ(cluster_.rate().error().code, ErrorCode::no_endpoint);
  cluster_.wake("a");
  cluster_.second(10, 10);
  EXPECT_TRUE(cluster_.rate());
}

TEST_F(ClusterSumTest, NothingBeforeTheFirstRound) {
  cluster_.add("a");
  EXPECT_FALSE(cluster_.rate()) << "no list yet";
  cluster_.list_all();
  EXPECT_FALSE(cluster_.rate());
  cluster_.second(1, 1);
  EXPECT_EQ(cluster_.in_flight(), 0);
}

TEST_F(ClusterSumTest, ASecondOrTwoAreNoRate) {
  cluster_.list({});
  cluster_.seconds(5, 10);
  ASSERT_FALSE(cluster_.rate()) << "the first of them was not whole";
  EXPECT_EQ(cluster_.rate().error().code, ErrorCode::no_endpoint);
  cluster_.second(10);
  EXPECT_NEAR(cluster_.per_second(), 10, 0.01);
}

TEST_F(ClusterSumTest, TheFirstRoundIsWaitedForFiveSeconds) {
  cluster_.add("a");
  cluster_.add("b");
  cluster_.list({{"a"}, {"b"}, {"never asked"}});
  cluster_.clock().advance(1s);
  cluster_.round();
  EXPECT_TRUE(cluster_.sum().available()) << "a refusal is an answer to the round";
  Cluster other;
  other.list({{"a"}});
  other.add("a");
  other.sum().set_peers({{"a"}, {"b"}});
  other.clock().advance(4s);
  other.sum().accept_own(other.own().rings().report({}), other.own().rings().names(),
                         other.own().rings().upstreams());
  EXPECT_FALSE(other.sum().available());
  other.ask("a");
  EXPECT_TRUE(other.sum().available()) << "b came later: it is not waited for";
}

TEST_F(ClusterSumTest, WithoutPeersOwnNumbersAreTheSum) {
  cluster_.list({});
  cluster_.seconds(61, 10);
  EXPECT_NEAR(cluster_.per_second(), 10, 0.01);
}

TEST_F(ClusterSumTest, TerminatingPeersCountWhileTheyAnswer) {
  run_three();
  cluster_.list({{"a"}, {"b", true}});
  cluster_.seconds(2, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
  cluster_.silence("b");
  cluster_.seconds(61, 10, 10);
  EXPECT_NEAR(cluster_.per_second(), 20, 0.01);
  cluster_.list({{"b", true}});
  cluster_.seconds(5, 10, 10);
  EXPECT_TRUE(cluster_.rate()) << "nobody is missed";
}

TEST_F(ClusterSumTest, APeerThatIsStartingIsNotMissed) {
  cluster_.list({});
  cluster_.seconds(10, 10);
  cluster_.list({{"starting"}});
  cluster_.seconds(10, 10);
  EXPECT_TRUE(cluster_.rate());
  cluster_.seconds(30, 10);
  EXPECT_FALSE(cluster_.rate()) << "by now it should have answered";
}

TEST_F(ClusterSumTest, ItselfAndDoublesDoNotCount) {
  cluster_.list({{"self"}, {"a"}, {"a again"}});
  test::Process peer(cluster_.clock(), "p", {"jobs"});
  for (int i = 0; i < 61; ++i) {
    cluster_.own().arrive("jobs", 10);
    peer.arrive("jobs", 10);
    cluster_.clock().advance(1s);
    auto& sum = cluster_.sum();
    sum.accept_own(cluster_.own().rings().report(sum.question_for_own()),
                   cluster_.own().rings().names(), cluster_.own().rings().upstreams());
    ASSERT_TRUE(sum.accept("self", cluster_.own().rings().report(sum.question_for("self"))));
    ASSERT_TRUE(sum.accept("a", peer.rings().report(sum.question_for("a"))));
    ASSERT_TRUE(sum.accept("a again", peer.rings().report(sum.question_for("a again"))));
  }
  EXPECT_NEAR(cluster_.per_second(), 20, 0.01);
  EXPECT_EQ(state_of("self"), "self");
  EXPECT_EQ(state_of("a again"), "double");
  cluster_.list({{"a"}});
  EXPECT_NEAR(cluster_.per_second(), 20, 0.01) << "its other name does not linger";
}

TEST_F(ClusterSumTest, InFlightIsSummed) {
  run_three();
  cluster_.own().cells("jobs")->begin();
  cluster_.peer("a").cells("jobs")->begin();
  cluster_.peer("a").cells("jobs")->begin();
  cluster_.second();
  EXPECT_EQ(cluster_.in_flight(), 3);
  cluster_.peer("a").cells("jobs")->finish(200, 1ms, 0, 0);
  cluster_.second();
  EXPECT_EQ(cluster_.in_flight(), 2);
}

TEST_F(ClusterSumTest, P99ComesFromAllHistograms) {
  run_three();
  EXPECT_FALSE(cluster_.p99()) << "nobody was asked for it yet";
  cluster_.seconds(3);
  ASSERT_TRUE(cluster_.p99());
  EXPECT_EQ(*cluster_.p99(), 0) << "nothing happened since";
  for (int i = 0; i < 98; ++i) cluster_.own().cells("jobs")->finish(200, 3ms, 0, 0);
  for (int i = 0; i < 4; ++i) cluster_.peer("b").cells("jobs")->finish(200, 800ms, 0, 0);
  cluster_.second();
  EXPECT_GT(*cluster_.p99(), 0.5);
  EXPECT_LE(*cluster_.p99(), 1.0);
  cluster_.seconds(80);
  EXPECT_EQ(*cluster_.p99(), 0) << "that was more than a minute ago";
}

TEST_F(ClusterSumTest, HistogramsAreAskedForTenMinutes) {
  run_three();
  EXPECT_TRUE(cluster_.sum().question_for("a").latency.empty());
  (void)cluster_.p99();
  EXPECT_EQ(cluster_.sum().question_for("a").latency, std::vector<std::string>{"jobs"});
  cluster_.clock().advance(10min);
  EXPECT_TRUE(cluster_.sum().question_for("a").latency.empty());
}

TEST_F(ClusterSumTest, SecondsThatRunBackwardsAreRefused) {
  run_three();
  EXPECT_FALSE(cluster_.sum().accept("a", {"id of a", 1, 60, {}}));
  EXPECT_NEAR(cluster_.per_second(), 30, 0.01);
}

TEST(Quantile, InterpolatesWithinTheBucket) {
  LatencyCounts counts{};
  EXPECT_EQ(quantile(counts, 0.99), 0);
  counts[Histogram::bucket_of(700'000)] = 100;  // 500 µs to 1 ms
  EXPECT_NEAR(quantile(counts, 0.5), 0.00075, 1e-9);
  counts[Histogram::kBuckets - 1] = 1000;
  EXPECT_EQ(quantile(counts, 0.99), 60);
}

}  // namespace
}  // namespace gateway::custom_metrics
