#include "gateway/admin/admin_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/admin/endpoint_mirror.h"
#include "tests/unit/admin/fakes.h"

namespace gateway::admin {
namespace {

using namespace std::chrono_literals;
using http::HeaderId;
using http::Method;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class AdminHandlerTest : public testing::Test {
 protected:
  AdminHandlerTest() {
    config::Upstream upstream;
    upstream.name = "app-a";
    upstream.endpoints = {{"127.0.0.1", 5101, 1}, {"127.0.0.1", 5102, 3}};
    source_.model_.upstreams.push_back(upstream);
    config::Route route;
    route.name = "jobs";
    route.hosts = {"jobs.example"};
    route.forward = {{"app-a", 1}};
    route.matches = {{config::PathMatch::prefix, "/jobs", {"POST"}, {}, {}}};
    source_.model_.routes.push_back(route);
    source_.directory_.configure(source_.model_.upstreams);
    route_ = source_.registry_.worker(0).route("jobs");
    upstream_ = source_.registry_.worker(0).upstream("app-a");
  }

  std::unique_ptr<FakeStream> ask(Method method, std::string_view path) {
    auto stream = std::make_unique<FakeStream>(method, path);
    exchange_ = handler_.begin(*stream);
    return stream;
  }
  json ask_json(std::string_view path) {
    const auto stream = ask(Method::get, path);
    EXPECT_EQ(stream->status, 200);
    EXPECT_EQ(stream->header("Content-Type"), "application/json");
    return json::parse(stream->body);
  }
  std::unique_ptr<FakeStream> post(std::string_view path,
                                   std::string_view token = "Bearer secret") {
    auto stream = std::make_unique<FakeStream>(Method::post, path);
    stream->add_header(HeaderId::authorization, token);
    exchange_ = handler_.begin(*stream);
    return stream;
  }

  FakeSource source_;
  AdminHandler handler_{source_, Pages::all};
  std::unique_ptr<downstream::Exchange> exchange_;
  std::shared_ptr<RouteCells> route_;
  std::shared_ptr<UpstreamCells> upstream_;
};

TEST_F(AdminHandlerTest, HealthAndReadiness) {
  EXPECT_EQ(ask(Method::get, "/healthz")->status, 200);
  EXPECT_EQ(ask(Method::get, "/readyz")->status, 200);
  source_.ready = false;
  EXPECT_EQ(ask(Method::get, "/healthz")->status, 200);
  const auto stream = ask(Method::get, "/readyz");
  EXPECT_EQ(stream->status, 503);
  EXPECT_EQ(stream->body, "draining\n");
}

TEST_F(AdminHandlerTest, AStatusListenerShowsHealthAndMetricsToWhoeverAsks) {
  AdminHandler status(source_, Pages::health_and_metrics);
  const auto ask_status = [&](Method method, std::string_view path) {
    auto stream = std::make_unique<FakeStream>(method, path);
    stream->request().host = "gateway-0.pods.example:9902";
    exchange_ = status.begin(*stream);
    return stream->status;
  };
  for (const char* path : {"/healthz", "/readyz", "/metrics"})
    EXPECT_EQ(ask_status(Method::get, path), 200) << path;
  for (const char* path : {"/", "/config", "/routes", "/upstreams", "/stats", "/reload"})
    EXPECT_EQ(ask_status(Method::get, path), 404) << path;
  EXPECT_EQ(ask_status(Method::post, "/reload"), 405);
  EXPECT_EQ(ask_status(Method::post, "/drain"), 405);
}

TEST_F(AdminHandlerTest, Metrics) {
  const auto stream = ask(Method::get, "/metrics");
  EXPECT_EQ(stream->status, 200);
  EXPECT_THAT(stream->header("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(stream->body, HasSubstr("gateway_requests_per_second{route=\"jobs\"} 0\n"));
}

TEST_F(AdminHandlerTest, EveryAnswerForbidsCachingAndReadingByOthers) {
  for (const char* path : {"/", "/metrics", "/config", "/none"}) {
    const auto stream = ask(Method::get, path);
    EXPECT_EQ(stream->header("Cache-Control"), "no-store") << path;
    EXPECT_EQ(stream->header("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(stream->header("Cross-Origin-Resource-Policy"), "same-origin") << path;
    EXPECT_EQ(stream->header("Access-Control-Allow-Origin"), "") << path;
  }
}

TEST_F(AdminHandlerTest, ThePageRunsOnlyItsOwnScript) {
  const auto first = ask(Method::get, "/");
  const auto second = ask(Method::get, "/");
  const std::string policy = first->header("Content-Security-Policy");
  EXPECT_NE(policy, second->header("Content-Security-Policy"));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  const std::string nonce = policy.substr(policy.find("'nonce-") + 7, 32);
  EXPECT_THAT(first->body, HasSubstr("<script nonce=\"" + nonce + "\">"));
  EXPECT_THAT(first->body, HasSubstr("<style nonce=\"" + nonce + "\">"));
  EXPECT_THAT(first->body, Not(HasSubstr("{{nonce}}")));
  EXPECT_THAT(first->body, Not(HasSubstr("src=")));
  EXPECT_THAT(first->body, Not(HasSubstr("<link")));
}

TEST_F(AdminHandlerTest, StatsShowRatesLatencyHealthAndErrors) {
  source_.clock_.advance(10s);
  for (int i = 0; i < 10; ++i) {
    for (int each = 0; each < 80; ++each) {
      route_->begin();
      route_->arrived(source_.clock_.now());
      route_->finish(each == 0 ? 503 : 200, 80us, 1, 41);
    }
    source_.clock_.advance(1s);
  }
  AccessRecord record;
  record.started = source_.clock_.now() - 1s;
  record.status = 503;
  record.path = "/jobs";
  source_.registry_.worker(0).recent_errors().note(record);
  const json stats = ask_json("/stats");
  EXPECT_EQ(stats["routes"][0]["name"], "jobs");
  EXPECT_EQ(stats["routes"][0]["rate"], 80.0);
  EXPECT_EQ(stats["routes"][0]["window"], 5);
  EXPECT_EQ(stats["routes"][0]["history"].size(), 60u);
  EXPECT_EQ(stats["routes"][0]["history"][0], 80);
  EXPECT_EQ(stats["routes"][0]["latency"][1], 800);
  EXPECT_EQ(stats["totals"]["responses"], json({0, 0, 790, 0, 0, 10}));
  EXPECT_EQ(stats["bounds_ms"][1], 0.1);
  EXPECT_EQ(stats["generation"], 7);
  EXPECT_EQ(stats["upstreams"][0]["endpoints"].size(), 2u);
  EXPECT_EQ(stats["upstreams"][0]["endpoints"][0]["healthy"], true);
  EXPECT_EQ(stats["errors"][0]["path"], "/jobs");
  EXPECT_EQ(stats["errors"][0]["status"], 503);
}

TEST_F(AdminHandlerTest, StatsShowTheBusiestOfManyRoutes) {
  source_.clock_.advance(10s);
  std::vector<std::shared_ptr<RouteCells>> all;
  for (int i = 0; i < 300; ++i)
    all.push_back(source_.registry_.worker(0).route("route-" + std::to_string(i)));
  for (int i = 0; i < 10; ++i) all[250]->arrived(source_.clock_.now());
  source_.clock_.advance(1s);
  const json stats = ask_json("/stats");
  EXPECT_EQ(stats["route_count"], 301);
  EXPECT_EQ(stats["routes"].size(), 50u);
  EXPECT_EQ(stats["routes"][0]["name"], "route-250");
  EXPECT_EQ(ask_json("/routes").size(), 1u);
}

TEST_F(AdminHandlerTest, StatsShowTheBusiestOfManyUpstreams) {
  std::vector<std::shared_ptr<UpstreamCells>> all;
  for (int i = 0; i < 80; ++i)
    all.push_back(source_.registry_.worker(0).upstream("upstream-" + std::to_string(i)));
  upstream_->begin();
  all[70]->begin();
  all[70]->finish(200, 80us, 1, 41);
  source_.directory_.find("app-a")->entries[1].endpoint->set_healthy(false, source_.clock_.now());
  source_.registry_.worker(0).endpoint("app-a", "127.0.0.1:5102")->begin();
  const json stats = ask_json("/stats");
  EXPECT_EQ(stats["upstream_count"], 81);
  ASSERT_EQ(stats["upstreams"].size(), 50u);
  EXPECT_EQ(stats["upstreams"][0]["name"], "app-a");
  EXPECT_EQ(stats["upstreams"][0]["endpoints"][0]["address"], "127.0.0.1:5101");
  EXPECT_EQ(stats["upstreams"][0]["endpoints"][1]["healthy"], false);
  EXPECT_EQ(stats["upstreams"][0]["endpoints"][1]["responses"].size(), 6u);
  const bool has =
      std::any_of(stats["upstreams"].begin(), stats["upstreams"].end(),
                  [](const json& upstream) { return upstream["name"] == "upstream-70"; });
  EXPECT_TRUE(has);
}

TEST_F(AdminHandlerTest, RoutesAndUpstreams) {
  const json routes = ask_json("/routes");
  EXPECT_EQ(routes[0]["name"], "jobs");
  EXPECT_EQ(routes[0]["matches"][0]["path_prefix"], "/jobs");
  EXPECT_EQ(routes[0]["forward"][0]["upstream"], "app-a");
  EXPECT_EQ(routes[0]["rate"], 0.0);
  const auto endpoint = source_.directory_.find("app-a")->entries[0].endpoint;
  endpoint->set_healthy(false, source_.clock_.now());
  const json upstreams = ask_json("/upstreams");
  EXPECT_EQ(upstreams[0]["name"], "app-a");
  EXPECT_EQ(upstreams[0]["endpoints"][0]["address"], "127.0.0.1:5101");
  EXPECT_EQ(upstreams[0]["endpoints"][0]["healthy"], false);
  EXPECT_EQ(upstreams[0]["endpoints"][1]["weight"], 3);
}

TEST_F(AdminHandlerTest, ConfigMasksWhatIsDeclaredSecret) {
  source_.model_.admin.token.file = "/run/token";
  source_.model_.filters = {{"login", config::Value::Map{{"users", std::string("ann:abc")},
                                                         {"realm", std::string("tokens")},
                                                         {"timeout", Duration(1500ms)}}}};
  config::Route route;
  route.name = "internal";
  route.matches.resize(1);
  route.matches[0].headers = {{"X-Plan", "abc"}};
  route.matches[0].query = {{"preview", "abc"}};
  source_.model_.routes.push_back(route);
  const std::string body = ask(Method::get, "/config")->body;
  EXPECT_THAT(body, Not(HasSubstr("abc")));
  for (const char* shown :
       {"/run/token", R"("timeout":"1500ms")", R"("users":"***")", R"("realm":"tokens")",
        R"({"name":"X-Plan","value":"***"})", R"({"name":"preview","value":"***"})"})
    EXPECT_THAT(body, HasSubstr(shown));
}

TEST_F(AdminHandlerTest, ReloadIsAnsweredWhenItIsDone) {
  const auto stream = post("/reload");
  ASSERT_EQ(source_.reloads.size(), 1u);
  EXPECT_EQ(stream->status, 0);
  source_.reloads[0]({true, 8, "routes +a", true});
  EXPECT_EQ(stream->status, 200);
  const json answer = json::parse(stream->body);
  EXPECT_EQ(answer["generation"], 8);
  EXPECT_EQ(answer["result"], "ok");
  EXPECT_EQ(answer["message"], "routes +a");
}

TEST_F(AdminHandlerTest, AReloadOfWhatIsInUseSaysSo) {
  const auto stream = post("/reload");
  source_.reloads.at(0)({true, 7, "unchanged", false});
  EXPECT_EQ(stream->status, 200);
  EXPECT_EQ(json::parse(stream->body)["result"], "unchanged");
}

TEST_F(AdminHandlerTest, AFailedReloadSaysWhatIsWrong) {
  const auto stream = post("/reload");
  source_.reloads.at(0)({false, 7, "dev.yaml:3:1: unknown key", false});
  EXPECT_EQ(stream->status, 422);
  EXPECT_EQ(json::parse(stream->body)["result"], "failed");
  EXPECT_EQ(json::parse(stream->body)["message"], "dev.yaml:3:1: unknown key");
}

TEST_F(AdminHandlerTest, AReloadOutlivesItsClient) {
  const auto stream = post("/reload");
  exchange_->on_abort(Error(ErrorCode::client_closed, Side::downstream));
  exchange_.reset();
  source_.reloads.at(0)({true, 8, "routes +a", true});
  EXPECT_EQ(stream->status, 0);
}

TEST_F(AdminHandlerTest, Drain) {
  EXPECT_EQ(post("/drain")->status, 202);
  EXPECT_EQ(source_.drains, 1);
}

TEST_F(AdminHandlerTest, WritesNeedTheToken) {
  const auto wrong = post("/reload", "Bearer wrong");
  EXPECT_EQ(wrong->status, 401);
  EXPECT_THAT(wrong->header("WWW-Authenticate"), HasSubstr("Bearer"));
  EXPECT_EQ(ask(Method::post, "/drain")->status, 401);
  source_.token_.clear();
  const auto without = post("/drain", "Bearer ");
  EXPECT_EQ(without->status, 403);
  EXPECT_THAT(without->body, HasSubstr("No admin token is configured"));
  source_.model_.admin.token.file = "/not/there";
  const auto unreadable = post("/drain", "Bearer ");
  EXPECT_EQ(unreadable->status, 403);
  EXPECT_THAT(unreadable->body, HasSubstr("cannot be read"));
  EXPECT_TRUE(source_.reloads.empty());
  EXPECT_EQ(source_.drains, 0);
}

TEST_F(AdminHandlerTest, AnotherSiteChangesNothingEvenWithTheToken) {
  FakeStream stream(Method::post, "/drain");
  stream.add_header(HeaderId::authorization, "Bearer secret");
  stream.add_header(HeaderId::origin, "http://attacker.example");
  exchange_ = handler_.begin(stream);
  EXPECT_EQ(stream.status, 403);
  FakeStream rebound(Method::get, "/config");
  rebound.request().host = "attacker.example:9901";
  exchange_ = handler_.begin(rebound);
  EXPECT_EQ(rebound.status, 421);
  EXPECT_EQ(source_.drains, 0);
}

TEST_F(AdminHandlerTest, WrongMethodsAndPaths) {
  EXPECT_EQ(ask(Method::get, "/reload")->header("Allow"), "POST");
  EXPECT_EQ(ask(Method::get, "/reload")->status, 405);
  EXPECT_EQ(ask(Method::post, "/metrics")->status, 405);
  EXPECT_EQ(ask(Method::options, "/")->status, 405);
  EXPECT_EQ(ask(Method::get, "/none")->status, 404);
}

TEST_F(AdminHandlerTest, ErrorsAreJsonForWhoeverTakesIt) {
  for (const auto& [accept, expected] : {
           std::pair{"application/json", "application/json"},
           std::pair{"text/html;q=0.5, application/problem+json; q=0.1", "application/json"},
           std::pair{"text/html, application/json;q=0", "text/plain; charset=utf-8"},
           std::pair{"text/html, application/json; q=0.000", "text/plain; charset=utf-8"},
           std::pair{"application/json-patch", "text/plain; charset=utf-8"},
           std::pair{"*/*", "text/plain; charset=utf-8"},
       }) {
    FakeStream stream(Method::get, "/none");
    stream.add_header(HeaderId::accept, accept);
    exchange_ = handler_.begin(stream);
    EXPECT_EQ(stream.header("Content-Type"), expected) << accept;
  }
}

TEST_F(AdminHandlerTest, MirrorShowsHealthAsGauges) {
  EndpointMirror mirror(source_.registry_.control(), source_.directory_);
  source_.registry_.before_read([&] { mirror.update(source_.clock_.now()); });
  source_.directory_.find("app-a")->entries[1].endpoint->eject(source_.clock_.now() + 10s,
                                                               source_.clock_.now());
  const std::string up = R"({upstream="app-a",endpoint="127.0.0.1:5102"})";
  std::string text = ask(Method::get, "/metrics")->body;
  EXPECT_THAT(text, HasSubstr("gateway_endpoint_ejected" + up + " 1\n"));
  EXPECT_THAT(text, HasSubstr("gateway_endpoint_healthy" + up + " 1\n"));
  // Gone from its set: shown for five more minutes, as unhealthy.
  config::Upstream changed = source_.model_.upstreams[0];
  changed.endpoints.pop_back();
  source_.model_.upstreams = {changed};
  source_.directory_.configure(source_.model_.upstreams);
  text = ask(Method::get, "/metrics")->body;
  EXPECT_THAT(text, HasSubstr("gateway_endpoint_healthy" + up + " 0\n"));
  source_.clock_.advance(5min);
  EXPECT_THAT(ask(Method::get, "/metrics")->body, Not(HasSubstr("5102")));
}

}  // namespace
}  // namespace gateway::admin
