#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/scripted_server.h"

/// Session affinity by a cookie that the gateway sets.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string config(const std::string& endpoints, const std::string& options = {}) {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         endpoints + "], balancer: {type: cookie" + options +
         "}}\n"
         "routes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app}\n"
         "  - {name: own, match: {path: /own}, respond: {status: 200}}\n";
}

std::string with_cookie(const std::string& cookie) {
  return "GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookie + "\r\n\r\n";
}

std::string cookie_of(const Reply& reply) {
  const std::string told = reply.field("set-cookie");
  return told.substr(0, told.find(';'));
}

TEST(CookieAffinity, AClientStaysWithItsEndpointWhileThatOneWorks) {
  ScriptedServer one(always(http_answer(200, "one", "Set-Cookie: own=1\r\n")));
  ScriptedServer two(always(http_answer(200, "two", "Set-Cookie: own=2\r\n")));
  Gateway gateway(config(one.address() + ", " + two.address()));
  const Reply first = fetch(gateway.port(), get("/"));
  EXPECT_THAT(first.head, HasSubstr("Set-Cookie: own="));
  const std::size_t at = first.head.find("Set-Cookie: INGRESSCOOKIE=");
  ASSERT_NE(at, std::string::npos);
  const std::string cookie = first.head.substr(at + 12, 14 + 16);
  EXPECT_THAT(cookie, MatchesRegex("INGRESSCOOKIE=[0-9a-f]{16}"));
  for (int i = 0; i < 10; ++i) {
    const Reply next = fetch(gateway.port(), with_cookie(cookie));
    EXPECT_EQ(next.body, first.body);
    EXPECT_EQ(next.head.find("INGRESSCOOKIE"), std::string::npos);
  }
  (first.body == "one" ? one : two).stop();
  const Reply moved = fetch(gateway.port(), with_cookie(cookie));
  EXPECT_EQ(moved.status, 200);
  EXPECT_EQ(moved.body, first.body == "one" ? "two" : "one");
  const std::size_t again = moved.head.find("Set-Cookie: INGRESSCOOKIE=");
  ASSERT_NE(again, std::string::npos);
  EXPECT_NE(moved.head.substr(again + 12, 14 + 16), cookie);
}

TEST(CookieAffinity, IsSetAnewForWhatItDoesNotKnow) {
  ScriptedServer app(always(http_answer(200, "ok")));
  Gateway gateway(config(app.address(), ", name: SID, path: /shop, max_age: 2h"));
  const Reply reply = fetch(gateway.port(), with_cookie("SID=127.0.0.1:80"));
  EXPECT_THAT(reply.field("set-cookie"),
              MatchesRegex("SID=[0-9a-f]{16}; Path=/shop; HttpOnly; Max-Age=7200; SameSite=Lax"));
  EXPECT_EQ(fetch(gateway.port(), with_cookie(cookie_of(reply))).field("set-cookie"), "");
  EXPECT_EQ(fetch(gateway.port(), get("/own")).field("set-cookie"), "") << "no endpoint answered";
}

TEST(CookieAffinity, SurvivesAReloadThatAddsAnEndpoint) {
  ScriptedServer one(always(http_answer(200, "one")));
  ScriptedServer two(always(http_answer(200, "two")));
  Gateway gateway(config(one.address()));
  const std::string cookie = cookie_of(fetch(gateway.port(), get("/")));
  gateway.reload(config(two.address() + ", " + one.address()));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(fetch(gateway.port(), with_cookie(cookie)).body, "one");
}

TEST(CookieAffinity, IsSetWithATunnel) {
  ScriptedServer app([](Peer& peer) {
    if (peer.read_request())
      peer.send("HTTP/1.1 101 Text\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    peer.wait_for_close();
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(client.socket().read_until("\r\n\r\n").value_or(""),
              HasSubstr("\r\nSet-Cookie: INGRESSCOOKIE="));
}

TEST(CookieAffinity, OptionsThatContradictEachOtherAreRefused) {
  EXPECT_THAT([] { Gateway gateway(config("127.0.0.1:1", ", same_site: none, secure: off")); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("same_site")));
}

}  // namespace
}  // namespace gateway::test
