#include "gateway/server/explain.h"

#include <gmock/gmock.h>

namespace gateway::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

config::Model model() {
  config::Model model;
  config::Listener https;
  https.name = "https";
  https.addresses = {*SocketAddress::parse("127.0.0.1:8443")};
  https.tls = config::ListenerTls{};
  config::Listener http;
  http.name = "http";
  http.addresses = {*SocketAddress::parse("127.0.0.1:80")};
  model.listeners = {https, http};

  config::Upstream app;
  app.name = "app-a";
  app.endpoints = {{"127.0.0.1", 5101}, {"app.internal", 5102, 3}};
  app.timeouts.connect = 250ms;
  app.limits.connections = 100;
  model.upstreams = {app};

  config::Route jobs;
  jobs.name = "jobs";
  jobs.listeners = {"https"};
  jobs.hosts = {"a.example"};
  jobs.matches.resize(1);
  jobs.matches[0].path = "/jobs";
  jobs.matches[0].methods = {"POST"};
  jobs.filters = {{"body_limit", config::Value::Map{{"size", config::Size{1 << 20}}}}};
  jobs.forward = {{"app-a", 1}};
  jobs.rewrite.emplace().prefix = "/v1";
  jobs.timeout = 15s;
  config::Route rest;
  rest.name = "rest";
  rest.listeners = {"https"};
  rest.hosts = {"a.example"};
  rest.forward = {{"app-a", 1}};
  config::Route to_https;
  to_https.name = "to-https";
  to_https.listeners = {"http"};
  to_https.redirect.emplace().scheme = "https";
  model.routes = {rest, jobs, to_https};
  model.filters = {{"header_edits", {}}, {"request_id", {}}};
  return model;
}

std::string said(std::string_view request, const std::vector<std::string>& headers = {}) {
  const auto text = explain(model(), request, headers);
  return text ? *text : "refused: " + text.error().detail;
}

TEST(Explain, TellsRouteRivalsFiltersAndUpstream) {
  const std::string text = said("POST https://a.example:8443/jobs/7?x=1");
  EXPECT_THAT(text, HasSubstr("listener  https (127.0.0.1:8443)\n"));
  EXPECT_THAT(text, HasSubstr("route     jobs, by prefix /jobs, methods POST, host a.example\n"));
  EXPECT_THAT(text, HasSubstr("before    rest (prefix /): the longer path goes first\n"));
  EXPECT_THAT(text, HasSubstr("rewrite   to /v1/7, host a.example:8443\n"));
  EXPECT_THAT(text, HasSubstr("timeout   15s to the answer's head\n"));
  EXPECT_THAT(text, HasSubstr("upstream  app-a, weight 1, balancer least_request\n"));
  EXPECT_THAT(text, HasSubstr("app.internal:5102, weight 3\n"));
  EXPECT_THAT(text, HasSubstr("at most 100 connections"));
  EXPECT_THAT(text, HasSubstr("connect 250ms"));
  const auto id = text.find("filters   request_id");
  EXPECT_NE(id, std::string::npos) << text;
  EXPECT_LT(id, text.find("body_limit {size: 1MiB}"));
  EXPECT_LT(text.find("body_limit"), text.find("header_edits")) << "the order in which they run";
}

TEST(Explain, ShowsNoSecretOption) {
  config::Model secretive = model();
  secretive.filters = {
      {"basic_auth",
       config::Value::Map{{"users", std::string("ann:$2y$hash")}, {"realm", std::string("staff")}}},
      {"header_edits",
       config::Value::Map{
           {"request",
            config::Value::Map{{"set", config::Value::Map{{"X-Key", std::string("hunter2")}}}}}}}};
  const auto text = explain(secretive, "https://a.example/", {});
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("basic_auth {realm: staff, users: ***}"));
  EXPECT_THAT(*text, HasSubstr("header_edits {request: {set: {X-Key: ***}}}"));
}

TEST(Explain, TellsWhatMissed) {
  const std::string text = said("https://A.Example/jobs");
  EXPECT_THAT(text, HasSubstr("route     rest, by prefix /"));
  EXPECT_THAT(text,
              HasSubstr("not       jobs (prefix /jobs, methods POST): its methods are POST\n"));
}

TEST(Explain, TellsWhereARedirectLeads) {
  const std::string text = said("http://b.example/x?y", {"X-Any: 1"});
  EXPECT_THAT(text, HasSubstr("redirect  308 to https://b.example/x?y\n"));
  EXPECT_THAT(text, Not(HasSubstr("upstream")));
}

TEST(Explain, TellsThatPlainRequestsAreSentToHttpsBeforeAnyFilter) {
  config::Model guarded = model();
  config::Route rest = guarded.routes[0];
  rest.listeners.clear();
  rest.https_only = true;
  guarded.routes = {rest};
  const auto plain = explain(guarded, "http://a.example/x?y", {});
  ASSERT_TRUE(plain);
  EXPECT_THAT(*plain, HasSubstr("redirect  308 to https://a.example/x?y\n"));
  EXPECT_THAT(*plain, Not(HasSubstr("filters")));
  const auto secure = explain(guarded, "https://a.example/x?y", {});
  ASSERT_TRUE(secure);
  EXPECT_THAT(*secure, HasSubstr("upstream  app-a"));
  EXPECT_THAT(*secure, Not(HasSubstr("redirect")));
}

TEST(Explain, TellsWhenNothingAnswers) {
  EXPECT_THAT(said("https://b.example/jobs"), HasSubstr("no route has this host"));
  EXPECT_THAT(said("https://a.example/../jobs"), HasSubstr("the path is refused with 400"));
  EXPECT_THAT(said("https://elsewhere/", {"Host: a.example"}), HasSubstr("route     rest"));
}

TEST(Explain, RefusesWhatIsNoRequest) {
  EXPECT_THAT(said("BREW https://a.example/"), HasSubstr("refused: 'BREW'"));
  EXPECT_THAT(said("/jobs"), HasSubstr("refused: write the request as"));
  EXPECT_THAT(said("https://a.example:99/"), HasSubstr("no listener for https has port 99"));
  EXPECT_THAT(said("https://user@a.example/"), HasSubstr("is no host"));
  EXPECT_THAT(said("https://a.example/", {"broken"}), HasSubstr("'name: value'"));
}

}  // namespace
}  // namespace gateway::server
