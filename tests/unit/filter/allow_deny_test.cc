#include <gtest/gtest.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Bound;
using test::Exchange;
using test::list;
using test::map;
using test::Services;

bool passes(const config::Value& options, std::string_view client) {
  Services services;
  Bound filter("allow_deny", options, services);
  Exchange exchange(services, client);
  if (filter->on_request(exchange.context) == Verdict::proceed) return true;
  EXPECT_EQ(exchange.context.reply.code, ErrorCode::forbidden);
  return false;
}

TEST(AllowDeny, AllowListShutsOutTheRest) {
  const auto options = map({{"allow", list({"10.0.0.0/8", "2001:db8::/32"})}});
  EXPECT_TRUE(passes(options, "10.1.2.3"));
  EXPECT_TRUE(passes(options, "2001:db8::1"));
  EXPECT_TRUE(passes(options, "::ffff:10.1.2.3"));
  EXPECT_FALSE(passes(options, "192.0.2.1"));
}

TEST(AllowDeny, DenyListLetsTheRestPass) {
  const auto options = map({{"deny", list({"192.0.2.0/24"})}});
  EXPECT_FALSE(passes(options, "192.0.2.1"));
  EXPECT_TRUE(passes(options, "192.0.3.1"));
}

TEST(AllowDeny, DenyGoesBeforeAllow) {
  const auto options = map({{"allow", list({"10.0.0.0/8"})}, {"deny", list({"10.6.6.6"})}});
  EXPECT_TRUE(passes(options, "10.6.6.5"));
  EXPECT_FALSE(passes(options, "10.6.6.6"));
}

TEST(AllowDeny, NeedsAList) {
  EXPECT_EQ(find_filter_type("allow_deny")->policy.check(map({})), "needs allow or deny");
}

}  // namespace
}  // namespace gateway::filter
