#include <gmock/gmock.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Bound;
using test::Exchange;
using test::map;
using test::Services;
using test::text;

config::Value options(const std::string& accept = "trusted", bool respond = true) {
  return map({{"header", text("X-Request-Id")}, {"accept", text(accept)}, {"respond", respond}});
}

TEST(RequestId, MakesOneThatAllSee) {
  Services services;
  Bound filter("request_id", options(), services);
  Exchange first(services);
  Exchange second(services);
  EXPECT_EQ(filter->on_request(first.context), Verdict::proceed);
  filter->on_request(second.context);
  EXPECT_THAT(std::string(first.context.request_id), testing::MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(first.header("x-request-id"), first.context.request_id);
  EXPECT_EQ(first.response_header("x-request-id"), first.context.request_id);
  EXPECT_NE(first.context.request_id, second.context.request_id);
}

TEST(RequestId, BelievesTrustedPeersAlone) {
  Services services;
  Bound filter("request_id", options(), services);
  Exchange stranger(services);
  stranger.with("x-request-id", "mine");
  filter->on_request(stranger.context);
  EXPECT_NE(stranger.header("x-request-id"), "mine");

  Exchange proxy(services);
  proxy.with("x-request-id", "abc-1").with("x-request-id", "abc-2");
  proxy.context.peer_trusted = true;
  filter->on_request(proxy.context);
  EXPECT_EQ(proxy.header("x-request-id"), "abc-1") << "one id, not two";
}

TEST(RequestId, AcceptsNothingThatIsNoId) {
  Services services;
  Bound filter("request_id", options("always"), services);
  for (const std::string& bad : {std::string("a b"), std::string("a\"b"), std::string(129, 'a'),
                                 std::string(), std::string("caf\xc3\xa9")}) {
    Exchange exchange(services);
    exchange.with("x-request-id", bad);
    filter->on_request(exchange.context);
    EXPECT_EQ(exchange.header("x-request-id").size(), 32U) << bad;
  }
}

TEST(RequestId, NeverMeansNeverAndSilentSilent) {
  Services services;
  Bound filter("request_id", options("never", false), services);
  Exchange exchange(services);
  exchange.with("x-request-id", "mine");
  exchange.context.peer_trusted = true;
  filter->on_request(exchange.context);
  EXPECT_NE(exchange.header("x-request-id"), "mine");
  EXPECT_EQ(exchange.response_header("x-request-id"), "");
}

}  // namespace
}  // namespace gateway::filter
