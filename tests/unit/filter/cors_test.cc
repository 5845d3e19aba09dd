#include <gtest/gtest.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Bound;
using test::Exchange;
using test::list;
using test::map;
using test::Services;

config::Value options(std::initializer_list<std::string> origins, bool credentials = false,
                      std::initializer_list<std::string> methods = {"GET", "PUT"},
                      std::initializer_list<std::string> headers = {"X-Job", "Content-Type"}) {
  return map({{"allow_origins", list(origins)},
              {"allow_methods", list(methods)},
              {"allow_headers", list(headers)},
              {"expose_headers", list({"X-Total", "X-Page"})},
              {"allow_credentials", credentials},
              {"max_age", Duration(std::chrono::seconds(600))}});
}

/// Which Access-Control-Allow-Origin a simple request of this origin gets.
std::string allowed(const config::Value& value, std::string_view origin) {
  Services services;
  Bound filter("cors", value, services);
  Exchange exchange(services);
  exchange.with("Origin", origin);
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::proceed);
  return exchange.response_header("Access-Control-Allow-Origin");
}

TEST(Cors, AnOriginIsMatchedAsAWhole) {
  const config::Value one = options({"https://app.example", "http://localhost:3000"});
  EXPECT_EQ(allowed(one, "https://app.example"), "https://app.example");
  EXPECT_EQ(allowed(one, "http://localhost:3000"), "http://localhost:3000");
  for (const char* other :
       {"http://app.example", "https://app.example:8443", "https://app.example.evil",
        "https://evil-app.example", "https://app.exampl", "http://localhost", "null", ""})
    EXPECT_EQ(allowed(one, other), "") << other;
}

TEST(Cors, AWildcardIsOneLabel) {
  const config::Value wild = options({"https://*.app.example:8443"});
  EXPECT_EQ(allowed(wild, "https://a.app.example:8443"), "https://a.app.example:8443");
  for (const char* other :
       {"https://app.example:8443", "https://.app.example:8443", "https://a.b.app.example:8443",
        "https://evil.example/.app.example:8443", "https://evil.example#.app.example:8443",
        "https://x@a.app.example:8443", "https://a.app.example", "http://a.app.example:8443"})
    EXPECT_EQ(allowed(wild, other), "") << other;
}

TEST(Cors, WithCredentialsEverybodyIsNamed) {
  EXPECT_EQ(allowed(options({"*"}), "https://a.example"), "*");
  EXPECT_EQ(allowed(options({"*"}, true), "https://a.example"), "https://a.example");
}

TEST(Cors, TwoOriginsAreNone) {
  Services services;
  Bound filter("cors", options({"*"}), services);
  Exchange exchange(services);
  exchange.with("Origin", "https://a.example").with("Origin", "https://b.example");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::proceed);
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Origin"), "");
}

Exchange& preflight(Exchange& exchange, std::string_view origin) {
  exchange.request.method = http::Method::options;
  return exchange.with("Origin", origin)
      .with("Access-Control-Request-Method", "DELETE")
      .with("Access-Control-Request-Headers", "x-job, x-other");
}

TEST(Cors, APreflightIsAnsweredHere) {
  Services services;
  Bound filter("cors", options({"https://app.example"}, true), services);
  Exchange exchange(services);
  preflight(exchange, "https://app.example");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::reply);
  EXPECT_EQ(exchange.context.reply.status, 204);
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Headers"), "X-Job, Content-Type");
  EXPECT_EQ(exchange.response_header("Access-Control-Max-Age"), "600");
  EXPECT_EQ(exchange.response_header("Vary"), "Origin");
}

TEST(Cors, APreflightOfAStrangerHearsNoPermission) {
  Services services;
  Bound filter("cors", options({"https://app.example"}), services);
  Exchange exchange(services);
  preflight(exchange, "https://evil.example");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::reply);
  EXPECT_EQ(exchange.context.reply.status, 204);
  for (const http::Header& field : exchange.context.response_headers)
    EXPECT_EQ(field.name, "Vary") << field.value;
}

TEST(Cors, WithCredentialsWhatWasAskedForIsNamed) {
  Services services;
  Bound filter("cors", options({"*"}, true, {"*"}, {"*"}), services);
  Exchange exchange(services);
  preflight(exchange, "https://a.example");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::reply);
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Methods"), "DELETE");
  EXPECT_EQ(exchange.response_header("Access-Control-Allow-Headers"), "x-job, x-other");
  EXPECT_EQ(exchange.response_header("Vary"),
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
}

TEST(Cors, OptionsThatAreNoPreflightGoOn) {
  Services services;
  Bound filter("cors", options({"https://app.example"}), services);
  Exchange exchange(services);
  exchange.request.method = http::Method::options;
  exchange.with("Origin", "https://app.example");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::proceed);
  EXPECT_EQ(exchange.response_header("Access-Control-Expose-Headers"), "X-Total, X-Page");
}

/// The Vary that goes out when the upstream said `vary`.
std::string vary_of(const config::Value& value, std::string_view vary) {
  Services services;
  Bound filter("cors", value, services);
  Exchange exchange(services);
  filter->on_request(exchange.context);
  http::ResponseHead head;
  head.headers.add(exchange.arena, "Access-Control-Allow-Origin", "https://evil.example");
  head.headers.add(exchange.arena, "access-control-max-age", "1");
  if (!vary.empty()) head.headers.add(exchange.arena, "Vary", vary);
  filter->on_response(exchange.context, head);
  EXPECT_EQ(Exchange::value_of(head.headers, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(Exchange::value_of(head.headers, "access-control-max-age"), "");
  const std::string ours = exchange.response_header("Vary");
  return ours.empty() ? Exchange::value_of(head.headers, "Vary") : ours;
}

TEST(Cors, AnswersVaryByOriginWhereTheyDo) {
  const config::Value one = options({"https://app.example"});
  EXPECT_EQ(vary_of(one, ""), "Origin");
  EXPECT_EQ(vary_of(one, "Accept-Encoding"), "Accept-Encoding, Origin");
  EXPECT_EQ(vary_of(one, "accept, origin"), "accept, origin");
  EXPECT_EQ(vary_of(one, "*"), "*");
  EXPECT_EQ(vary_of(options({"*"}), "Accept-Encoding"), "Accept-Encoding");
  EXPECT_EQ(vary_of(options({"*"}), ""), "");
}

TEST(Cors, WhatIsNoOriginIsRefused) {
  for (const char* bad : {"app.example", "https://", "https://a.example/", "https://a.example/x",
                          "https://*.*.example", "https://a*.example", "https://u@a.example", "*.a",
                          "https://a.example?x", ""})
    EXPECT_NE(test::error_of("cors", options({bad})), "") << bad;
  EXPECT_NE(test::error_of("cors", options({"*"}, false, {"GET POST"})), "");
  EXPECT_NE(test::error_of("cors", options({"*"}, false, {"GET"}, {"X-A\r\n"})), "");
}

}  // namespace
}  // namespace gateway::filter
