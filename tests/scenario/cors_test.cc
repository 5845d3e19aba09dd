#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// What a browser sees of the cors filter.
namespace gateway::test::cors_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string yaml_of(const std::string& app) {
  return "version: 1\n"
         "listeners: [{name: http, address: '127.0.0.1:0'}]\n"
         "upstreams: [{name: app, endpoints: [" +
         app +
         "]}]\n"
         "routes:\n"
         "  - name: jobs\n"
         "    filters:\n"
         "      - {type: allow_deny, deny: [192.0.2.0/24]}\n"
         "      - {type: rate_limit, rate: 0.01, burst: 1}\n"
         "      - {type: cors, allow_origins: 'https://*.app.example', allow_credentials: true}\n"
         "    forward: app\n";
}

std::string from(const std::string& method, const std::string& origin,
                 const std::string& fields = "") {
  return method + " /jobs HTTP/1.1\r\nHost: a\r\nOrigin: " + origin + "\r\n" + fields + "\r\n";
}

TEST(Cors, APreflightNeverReachesTheUpstream) {
  Recorder app;
  Gateway gateway(yaml_of(app.address()));
  HttpClient client(gateway.port());
  const std::string asks = "Access-Control-Request-Method: PUT\r\n";
  const Reply reply = client.fetch(from("OPTIONS", "https://a.app.example", asks));
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.field("access-control-allow-origin"), "https://a.app.example");
  EXPECT_THAT(reply.field("access-control-allow-methods"), HasSubstr("PUT"));
  EXPECT_EQ(reply.field("access-control-allow-credentials"), "true");
  EXPECT_EQ(reply.field("vary"), "Origin");
  EXPECT_EQ(reply.field("content-length"), "");
  EXPECT_EQ(reply.field("content-type"), "");
  const Reply other = client.fetch(from("OPTIONS", "https://evil.example", asks));
  EXPECT_EQ(other.status, 204);
  EXPECT_THAT(other.head, Not(HasSubstr("llow-")));
  EXPECT_THAT(app.heads(), IsEmpty());
}

TEST(Cors, WhatTheUpstreamSaysIsReplaced) {
  ScriptedServer app(always(http_answer(200, "x",
                                        "Access-Control-Allow-Origin: *\r\nVary: Accept\r\n"
                                        "Access-Control-Allow-Methods: TRACE\r\n")));
  Gateway gateway(yaml_of(app.address()));
  const Reply reply = fetch(gateway.port(), from("GET", "https://b.app.example"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("access-control-allow-origin"), "https://b.app.example");
  EXPECT_EQ(reply.field("vary"), "Accept, Origin");
  EXPECT_THAT(reply.head, Not(HasSubstr("TRACE")));
}

TEST(Cors, PagesMayReadTheGatewaysRefusalsToo) {
  Recorder app;
  Gateway gateway(yaml_of(app.address()));
  EXPECT_EQ(fetch(gateway.port(), from("GET", "https://a.app.example")).status, 200);
  const Reply limited = fetch(gateway.port(), from("GET", "https://a.app.example"));
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.field("access-control-allow-origin"), "https://a.app.example");
}

}  // namespace
}  // namespace gateway::test::cors_test
