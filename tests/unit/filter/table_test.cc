#include "gateway/filter/table.h"

#include <gtest/gtest.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::map;
using test::text;

std::size_t position(const char* type) { return run_position({type, map({})}); }

TEST(FilterTable, RunsInTheOrderOfTheTable) {
  EXPECT_LT(position("request_id"), position("allow_deny"));
  EXPECT_LT(position("allow_deny"), position("rate_limit"));
  EXPECT_LT(position("rate_limit"), position("body_limit"));
  EXPECT_LT(position("body_limit"), position("client_certificate"));
  EXPECT_LT(position("client_certificate"), position("token"));
  EXPECT_LT(position("token"), position("header_edits"));
}

TEST(FilterTable, ALimitByTokenRunsAfterTheToken) {
  EXPECT_EQ(run_position({"rate_limit", map({{"by", text("address")}})}), position("rate_limit"));
  const std::size_t by_token = run_position({"rate_limit", map({{"by", text("token")}})});
  EXPECT_GT(by_token, position("token"));
  EXPECT_LT(by_token, position("header_edits"));
}

TEST(FilterTable, KnowsWhoAsksForALogin) {
  for (const char* type : {"token", "basic_auth", "external_auth", "client_certificate"})
    EXPECT_TRUE(asks_for_login({type, map({})})) << type;
  for (const char* type : {"cors", "allow_deny", "rate_limit", "header_edits", "no filter"})
    EXPECT_FALSE(asks_for_login({type, map({})})) << type;
  EXPECT_TRUE(asks_for_login({"rate_limit", map({{"by", text("token")}})}))
      << "without the token it has nobody to count";
}

TEST(FilterTable, ARouteRunsWhatItRepeatsOnce) {
  const config::PolicySettings everywhere{"body_limit", map({{"size", config::Size{10}}})};
  const config::PolicySettings smaller{"body_limit", map({{"size", config::Size{5}}})};
  const config::PolicySettings early{"request_id", map({})};
  EXPECT_EQ(run_order({everywhere}, {smaller, everywhere, early}),
            (std::vector{early, everywhere, smaller}));
}

TEST(FilterTable, FindsByType) {
  ASSERT_NE(find_filter_type("body_limit"), nullptr);
  EXPECT_EQ(find_filter_type("body_limit")->policy.fields[0].name, "size");
  EXPECT_EQ(find_filter_type("body_limits"), nullptr);
  EXPECT_EQ(filter_policies().size(), filter_types().size());
}

}  // namespace
}  // namespace gateway::filter
