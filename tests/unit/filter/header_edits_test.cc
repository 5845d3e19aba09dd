#include <gmock/gmock.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Bound;
using test::Exchange;
using test::list;
using test::map;
using test::Services;
using test::text;

TEST(HeaderEdits, ChangesTheRequest) {
  Services services;
  Bound filter("header_edits",
               map({{"request", map({{"set", map({{"X-Env", text("prod")}})},
                                     {"add", map({{"Via", text("1.1 gateway")}})},
                                     {"remove", list({"cookie", "X-Debug"})}})}}),
               services);
  Exchange exchange(services);
  exchange.with("x-env", "test")
      .with("Via", "1.0 other")
      .with("Cookie", "a=b")
      .with("x-debug", "1");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::proceed);
  EXPECT_EQ(exchange.header("X-Env"), "prod");
  EXPECT_EQ(exchange.header("via"), "1.0 other, 1.1 gateway");
  EXPECT_EQ(exchange.request.headers.size(), 3U);
}

TEST(HeaderEdits, ChangesTheResponse) {
  Services services;
  Bound filter("header_edits",
               map({{"response", map({{"set", map({{"X-Frame-Options", text("DENY")}})},
                                      {"add", map({{"Vary", text("Origin")}})},
                                      {"remove", list({"Server"})}})}}),
               services);
  Exchange exchange(services);
  filter->on_request(exchange.context);
  EXPECT_EQ(exchange.response_header("X-Frame-Options"), "DENY") << "local replies too";
  http::ResponseHead head;
  head.headers.add(exchange.arena, "Server", "app/1");
  head.headers.add(exchange.arena, "Vary", "Accept");
  filter->on_response(exchange.context, head);
  EXPECT_EQ(Exchange::value_of(head.headers, "Vary"), "Accept, Origin");
  EXPECT_FALSE(head.headers.has(http::HeaderId::server));
}

TEST(HeaderEdits, LeavesAloneWhatTheGatewayVouchesFor) {
  const auto error = [](const std::string& name, const std::string& value = "x") {
    return test::error_of("header_edits",
                          map({{"request", map({{"set", map({{name, text(value)}})}})}}));
  };
  for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Host", "Upgrade",
                           "X-Forwarded-For", "forwarded", "TE"}) {
    EXPECT_THAT(error(name), testing::HasSubstr("gateway alone")) << name;
  }
  EXPECT_THAT(error("X Y"), testing::HasSubstr("field name"));
  EXPECT_THAT(error("X-Y", "a\r\nb: c"), testing::HasSubstr("value"));
  EXPECT_EQ(error("X-Y"), "");
}

TEST(HeaderEdits, SaysWhichRequestHeadersItChanges) {
  Services services;
  Bound filter("header_edits", map({{"request", map({{"remove", list({"X-User"})}})}}), services);
  EXPECT_THAT(filter.plan().edited_headers(), testing::ElementsAre("X-User"));
}

}  // namespace
}  // namespace gateway::filter
