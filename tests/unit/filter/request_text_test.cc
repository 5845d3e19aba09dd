#include "gateway/filter/request_text.h"

#include <gtest/gtest.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Exchange;
using test::Services;

class RequestTextTest : public ::testing::Test {
 protected:
  RequestTextTest() {
    exchange.request.host = "shop.example:8443";
    exchange.request.path = "/a%20b";
    exchange.request.query = "id=7&next=%2Fx&id2=1";
    exchange.request.has_query = true;
    exchange.with("Cookie", "theme=dark; session=s1=%; x").with("X-Tenant", "a b\"&");
  }
  std::string url(std::string_view text) {
    auto made = RequestText::compile(text);
    return made ? std::string(made->url(exchange.context)) : "refused: " + made.error().detail;
  }
  /// Nothing: absent.
  std::optional<std::string> key(std::string_view text) {
    std::string made;
    if (!RequestText::compile(text)->append_key(exchange.context, made)) return std::nullopt;
    return made;
  }

  Services services;
  Exchange exchange{services};
};

TEST_F(RequestTextTest, SaysWhatTheRequestSays) {
  EXPECT_EQ(url("/plain?x=1"), "/plain?x=1");
  EXPECT_EQ(url("$scheme://$host$request_uri"), "http://shop.example/a%20b?id=7&next=%2Fx&id2=1");
  EXPECT_EQ(url("/?rd=$escaped_request_uri"), "/?rd=%2Fa%2520b%3Fid%3D7%26next%3D%252Fx%26id2%3D1");
  EXPECT_EQ(url("$remote_addr-${arg_id}9"), "192.0.2.7-79");
  EXPECT_EQ(url("$arg_next"), "%2Fx");
  EXPECT_EQ(url("$cookie_theme"), "dark");
  EXPECT_EQ(url("[$cookie_none$http_none$arg_none]"), "[]");
}

TEST_F(RequestTextTest, WhatAClientChoosesCannotLeaveItsPlaceInAUrl) {
  EXPECT_EQ(url("/$http_x_tenant"), "/a%20b%22%26");
  EXPECT_EQ(url("/$cookie_session"), "/s1%3D%25");
}

TEST_F(RequestTextTest, WhatWasPartOfAUrlStaysAsItWasThere) {
  exchange.request.path = "/a=1&b";
  exchange.request.query = "q=x/../y?z%26+&r=1";
  EXPECT_EQ(url("/check?q=$arg_q"), "/check?q=x/../y?z%26+");
  EXPECT_EQ(url("/check?rd=$request_uri"), "/check?rd=/a=1&b?q=x/../y?z%26+&r=1");
  EXPECT_EQ(url("/check?rd=$escaped_request_uri"),
            "/check?rd=%2Fa%3D1%26b%3Fq%3Dx%2F..%2Fy%3Fz%2526%2B%26r%3D1");
  EXPECT_EQ(key("$arg_q"), "12:x/../y?z%26+") << "a key takes it likewise";
}

TEST_F(RequestTextTest, BehindATrustedProxyTheSchemeIsItsWord) {
  exchange.with("X-Forwarded-Proto", "https");
  EXPECT_EQ(url("$scheme"), "http");
  exchange.context.peer_trusted = true;
  EXPECT_EQ(url("$scheme"), "https");
}

TEST_F(RequestTextTest, KeysTellNeighboursApart) {
  exchange.with("X-A", "1").with("X-B", "23").with("Y-A", "12").with("Y-B", "3");
  EXPECT_NE(key("$http_x_a$http_x_b"), key("$http_y_a$http_y_b"));
  EXPECT_EQ(key("$cookie_theme"), key("${cookie_theme}"));
}

TEST_F(RequestTextTest, WhatIsAbsentOrThereTwiceMakesNoKey) {
  EXPECT_TRUE(key("$cookie_theme").has_value());
  EXPECT_EQ(key("$cookie_none"), std::nullopt);
  EXPECT_EQ(key("$http_authorization"), std::nullopt);
  exchange.with("X-Tenant", "other").with("Cookie", "theme=light");
  EXPECT_EQ(key("$http_x_tenant"), std::nullopt);
  EXPECT_EQ(key("$cookie_theme"), std::nullopt);
  exchange.request.query = "id=1&id=2";
  EXPECT_EQ(key("$arg_id"), std::nullopt);
}

TEST_F(RequestTextTest, KnowsNoOtherVariables) {
  for (const char* bad : {"$", "$$", "$request_body", "$http_", "${host", "$hostname", "a b", "$1",
                          "/x\r\ny", "${cookie_}"})
    EXPECT_FALSE(RequestText::compile(bad)) << bad;
}

}  // namespace
}  // namespace gateway::filter
