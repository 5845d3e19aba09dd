#include "gateway/custom_metrics/replica_rings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/custom_metrics/cluster.h"

namespace gateway::custom_metrics {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ReplicaRingsTest : public testing::Test {
 protected:
  RingsReport ask(const RingsQuery& query = {}) { return process_.rings().report(query); }

  FakeClock clock_;
  test::Process process_{clock_, "p", {"jobs", "idle"}};
};

TEST_F(ReplicaRingsTest, TheRunningSecondIsNotTold) {
  process_.arrive("jobs", 7);
  EXPECT_THAT(ask().routes, IsEmpty());
  clock_.advance(1s);
  const RingsReport report = ask();
  ASSERT_THAT(report.routes, SizeIs(1));
  EXPECT_EQ(report.routes[0].name, "jobs");
  EXPECT_THAT(report.routes[0].arrivals, ElementsAre(Arrivals{0, 7}));
}

TEST_F(ReplicaRingsTest, OnlyNewsSinceTheCursor) {
  process_.arrive("jobs", 7);
  clock_.advance(1s);
  const RingsReport first = ask();
  const RingsQuery next{first.replica, first.second, {}};
  EXPECT_THAT(ask(next).routes, IsEmpty());
  process_.arrive("jobs", 2);
  clock_.advance(3s);
  EXPECT_THAT(ask(next).routes[0].arrivals, ElementsAre(Arrivals{2, 2}));
  EXPECT_THAT(ask(next).routes[0].arrivals, SizeIs(1)) << "a missed answer is told again";
}

TEST_F(ReplicaRingsTest, WhoHeardAnotherProcessIsToldAll) {
  process_.arrive("jobs", 7);
  clock_.advance(40s);
  EXPECT_THAT(ask({"before", RateRing::second_of(clock_.now()), {}}).routes[0].arrivals,
              ElementsAre(Arrivals{39, 7}));
  EXPECT_THAT(ask({"p", RateRing::second_of(clock_.now()) + 9, {}}).routes, SizeIs(1))
      << "a cursor that is not ours";
}

TEST_F(ReplicaRingsTest, InFlightWithoutArrivals) {
  process_.cells("jobs")->begin();
  clock_.advance(1s);
  EXPECT_EQ(ask().routes[0].in_flight, 1);
}

TEST_F(ReplicaRingsTest, LatenciesOnlyOfRoutesAskedFor) {
  process_.cells("jobs")->finish(200, 3ms, 0, 0);
  process_.cells("idle");
  clock_.advance(1s);
  EXPECT_THAT(ask().routes, IsEmpty());
  const RingsReport report = ask({"", 0, {"jobs", "unknown"}});
  ASSERT_THAT(report.routes, SizeIs(1));
  EXPECT_EQ((*report.routes[0].latency)[Histogram::bucket_of(3'000'000)], 1u);
}

TEST_F(ReplicaRingsTest, NamesIncludeIdleRoutesAndStayTheSameObject) {
  const auto names = process_.rings().names();
  EXPECT_THAT(*names, ElementsAre("idle", "jobs"));
  clock_.advance(2s);
  EXPECT_EQ(process_.rings().names(), names);
}

TEST(RingsReport, SurvivesItsWrittenForm) {
  LatencyCounts counts{};
  counts[3] = 12;
  const RingsReport report{
      "5d0c", 8125, 60, {{"a", 3, {{0, 118}, {1, 121}}, std::nullopt}, {"b \"q\"", 0, {}, counts}}};
  const auto read = decode_report(encode(report));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, report);
}

TEST(RingsReport, MalformedAnswersAreRefused) {
  for (const char* text :
       {"", "[]", "{", R"({"replica":"","second":1,"known":1,"routes":{}})",
        R"({"replica":"a","second":-1,"known":1,"routes":{}})",
        R"({"replica":"a","second":1,"known":61,"routes":{}})",
        R"({"replica":"a","second":1,"known":1,"routes":[]})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":[]}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"f":-1}}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"a":[0]}}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"a":[1,2,1,2]}}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"a":[60,2]}}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"a":[0,5000000000]}}})",
        R"({"replica":"a","second":1,"known":1,"routes":{"r":{"l":[1,2]}}})"})
    EXPECT_FALSE(decode_report(text)) << text;
}

TEST(RingsQuery, MalformedQuestionsAreRefused) {
  const auto query = decode_query(encode(RingsQuery{"a", 7, {"jobs"}}));
  ASSERT_TRUE(query);
  EXPECT_EQ(query->since, 7u);
  EXPECT_THAT(query->latency, ElementsAre("jobs"));
  for (const char* text : {"", "{}", R"({"replica":1,"since":1,"latency":[]})",
                           R"({"replica":"a","since":1,"latency":[1]})"})
    EXPECT_FALSE(decode_query(text)) << text;
}

}  // namespace
}  // namespace gateway::custom_metrics
