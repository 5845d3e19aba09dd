#include "gateway/routing/explanation.h"

#include <gmock/gmock.h>

#include "tests/unit/routing/request.h"
#include "tests/unit/routing/routes.h"

namespace gateway::routing {
namespace {

using test::by_header;
using test::by_method;
using test::exact;
using test::prefix;
using test::Request;
using test::route;

class ExplanationTest : public testing::Test {
 protected:
  Explanation of(std::string_view line) {
    table_ = *RouteTable::compile(
        {
            route("any", {}, {prefix("/")}),
            route("root", {"a.example"}, {prefix("/")}),
            route("jobs", {"a.example"}, {by_method(exact("/jobs"), {"POST"})}),
            route("beta", {"a.example"}, {by_header(prefix("/jobs"), "x-beta", "1")}),
            route("late", {"a.example"}, {prefix("/")}),
        },
        std::vector<config::Listener>(1));
    Request request(line);
    return explain(*table_, 0, request.head());
  }

 private:
  std::shared_ptr<const RouteTable> table_;
};

TEST_F(ExplanationTest, NamesWinnerRunnersUpAndTheRule) {
  const Explanation explanation = of("POST a.example/jobs");
  EXPECT_EQ(explanation.host, "a.example");
  ASSERT_NE(explanation.winner, nullptr);
  EXPECT_EQ(describe(*explanation.winner), "exact path /jobs, methods POST");
  ASSERT_EQ(explanation.runners_up.size(), 3U);
  EXPECT_EQ(explanation.runners_up[0].match->route->name(), "root");
  EXPECT_EQ(explanation.runners_up[0].reason, describe(Rule::path_kind));
  EXPECT_EQ(explanation.runners_up[2].match->route->name(), "any");
  EXPECT_THAT(explanation.runners_up[2].reason, testing::HasSubstr("less specific"));
}

TEST_F(ExplanationTest, SaysWhatMissedAndWhatOrderDecided) {
  const Explanation explanation = of("GET a.example/jobs");
  EXPECT_EQ(explanation.winner->route->name(), "root");
  EXPECT_EQ(explanation.runners_up[0].reason, describe(Rule::order));
  ASSERT_EQ(explanation.missed.size(), 2U);
  EXPECT_EQ(explanation.missed[0].reason, "its methods are POST");
  EXPECT_EQ(explanation.missed[1].reason, "it needs header x-beta=***");
}

TEST_F(ExplanationTest, NoHostNoWinner) {
  auto table =
      RouteTable::compile({route("r", {"a.example"}, {})}, std::vector<config::Listener>(1));
  Request request("GET b.example/");
  const Explanation explanation = explain(**table, 0, request.head());
  EXPECT_EQ(explanation.winner, nullptr);
  EXPECT_TRUE(explanation.host.empty());
}

}  // namespace
}  // namespace gateway::routing
