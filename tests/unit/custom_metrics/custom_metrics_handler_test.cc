#include "gateway/custom_metrics/custom_metrics_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "gateway/custom_metrics/quantity.h"
#include "gateway/custom_metrics/route_name_target.h"
#include "tests/unit/custom_metrics/cluster.h"
#include "tests/unit/custom_metrics/request.h"

namespace gateway::custom_metrics {
namespace {

using nlohmann::json;
using test::Ask;

class FakeAuthorizer final : public Authorizer {
 public:
  void decide(const Caller& caller, const AccessRequest& request, Done done) override {
    callers.push_back(caller);
    requests.push_back(request);
    later ? waiting.push_back(std::move(done)) : done(verdict);
  }
  Verdict verdict = Verdict::allowed;
  bool later = false;
  std::vector<Done> waiting;
  std::vector<Caller> callers;
  std::vector<AccessRequest> requests;
};

/// Pods behind the route "jobs", three of them; knows the label `app`.
class FakeTarget final : public MetricsTarget {
 public:
  const std::vector<ObjectKind>& kinds() const override { return kinds_; }
  Result<std::vector<ResolvedObject>> find(const ObjectQuery& query) override {
    if (!synced) return failure(ErrorCode::overloaded, Side::internal, "not synced");
    for (const std::string& key : query.labels.keys())
      if (key != "app") return failure(ErrorCode::bad_request, Side::downstream, "no label " + key);
    if (query.resource == "pods" && query.name == "*") {
      std::vector<ResolvedObject> pods;
      if (query.labels.matches({{"app", "a"}}))
        for (const char* name : {"pod-1", "pod-2", "pod-3"})
          pods.push_back({name, {{{"jobs"}, 1.0 / 3}}});
      return pods;
    }
    if (query.name == "jobs" && query.name_space == "prod")
      return std::vector<ResolvedObject>{
          {"jobs", {{{"jobs", {{"tier", "front"}}}}, {{"idle", {{"tier", "back"}}}}}}};
    if (query.name == "canary")
      return std::vector<ResolvedObject>{{"canary", {{{"jobs"}, 0.25}, {{"idle"}, 1}}}};
    if (query.name == "behind")
      return std::vector<ResolvedObject>{{"behind", {{{"not here yet"}}}}};
    if (query.name == "unrouted") return std::vector<ResolvedObject>{{"unrouted", {}}};
    return failure(ErrorCode::not_found, Side::downstream,
                   "ingresses \"" + query.name + "\" not found");
  }
  void look_up(const ObjectQuery& query, Found found) override {
    if (!later) return found(find(query));
    waiting = [this, query, found = std::move(found)] { found(find(query)); };
  }
  Result<std::vector<LabelledRoute>> routes_of(std::string_view name_space) override {
    if (name_space != "prod") return std::vector<LabelledRoute>{};
    return std::vector<LabelledRoute>{{"jobs", {{"tier", "front"}}}, {"idle", {{"tier", "back"}}}};
  }
  std::vector<std::string> route_labels() const override { return {"tier"}; }
  bool synced = true;
  bool later = false;
  std::function<void()> waiting;

 private:
  const std::vector<ObjectKind> kinds_{
      {"", "nodes", "Node", "v1", true},
      {"networking.k8s.io", "ingresses", "Ingress", "networking.k8s.io/v1"},
      {"", "services", "Service", "v1"},
      {"", "pods", "Pod", "v1"},
      {"", "namespaces", "Namespace", "v1"}};
};

constexpr const char* kCustom = "/apis/custom.metrics.k8s.io/v1beta2";
constexpr const char* kExternal = "/apis/external.metrics.k8s.io/v1beta1";

class CustomMetricsHandlerTest : public testing::Test {
 protected:
  CustomMetricsHandlerTest() {
    handler_.configure({{}, true});
    cluster_.list({});
    cluster_.seconds(61, 12);
  }
  /// Through the front proxy, as the HPA.
  std::unique_ptr<Ask> ask(const std::string& target) {
    auto made = std::make_unique<Ask>(target);
    made->certificate("front-proxy-client").header("X-Remote-User", "hpa").of(handler_);
    EXPECT_EQ(made->answers, authorizer_.later ? made->answers : 1);
    return made;
  }
  std::unique_ptr<Ask> custom(const std::string& path) { return ask(kCustom + path); }

  test::Cluster cluster_;
  FakeTarget target_;
  FakeAuthorizer authorizer_;
  CustomMetricsHandler handler_{cluster_.sum(), target_, authorizer_};
};

TEST_F(CustomMetricsHandlerTest, AnObjectIsExactlyOneItem) {
  const auto made =
      custom("/namespaces/prod/ingresses.networking.k8s.io/jobs/gateway_requests_per_second");
  ASSERT_EQ(made->status(), 200);
  json answer = made->json();
  EXPECT_EQ(answer["items"][0].erase("timestamp"), 1u);
  EXPECT_EQ(answer, json::parse(R"({"kind":"MetricValueList",
    "apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[
    {"describedObject":{"kind":"Ingress","namespace":"prod","name":"jobs",
                        "apiVersion":"networking.k8s.io/v1"},
     "metric":{"name":"gateway_requests_per_second","selector":null},
     "windowSeconds":34,"value":"12"}]})"));
  EXPECT_EQ(authorizer_.requests.at(0),
            (AccessRequest{"get", "custom.metrics.k8s.io", "v1beta2", "ingresses.networking.k8s.io",
                           "gateway_requests_per_second", "jobs", "prod"}));
}

TEST_F(CustomMetricsHandlerTest, TheNamespaceItself) {
  cluster_.list({});
  const auto made = custom("/namespaces/prod/metrics/gateway_requests_per_second");
  EXPECT_EQ(made->status(), 404) << "this target has no namespaces";
  EXPECT_EQ(authorizer_.requests.at(0),
            (AccessRequest{"get", "custom.metrics.k8s.io", "v1beta2", "metrics", "",
                           "gateway_requests_per_second", "prod"}));
}

TEST_F(CustomMetricsHandlerTest, PodsShareWhatTheirRouteGets) {
  for (const char* name : {"*", "%2A"}) {
    const auto made = custom("/namespaces/prod/pods/" + std::string(name) +
                             "/gateway_requests_per_second?labelSelector=app+in+%28a%2C+b%29");
    ASSERT_EQ(made->status(), 200) << made->answer().body;
    ASSERT_EQ(made->json()["items"].size(), 3u);
    EXPECT_EQ(made->json()["items"][1]["describedObject"]["name"], "pod-2");
    EXPECT_EQ(made->json()["items"][1]["value"], "4");
  }
  EXPECT_EQ(custom("/namespaces/prod/pods/*/gateway_requests_per_second?labelSelector=app%3Dz")
                ->json()["items"]
                .size(),
            0u);
}

TEST_F(CustomMetricsHandlerTest, ACanaryHasItsWeight) {
  const std::string canary = "/namespaces/prod/services/canary/";
  EXPECT_EQ(custom(canary + "gateway_requests_per_second")->json()["items"][0]["value"], "3");
  cluster_.own().cells("jobs")->begin();
  cluster_.second();
  EXPECT_EQ(custom(canary + "gateway_requests_in_flight")->json()["items"][0]["value"], "250m");
}

TEST_F(CustomMetricsHandlerTest, WhatNoRouteLeadsToHasNoNumber) {
  EXPECT_EQ(custom("/namespaces/prod/services/unrouted/gateway_requests_per_second")->status(), 404)
      << "a 0 would scale it down";
}

TEST_F(CustomMetricsHandlerTest, SelectorsAreNeverReadHalf) {
  const std::string jobs =
      "/namespaces/prod/ingresses.networking.k8s.io/jobs/gateway_requests_per_second";
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=route%3Djobs")->json()["items"][0]["value"], "12");
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=route%3Didle")->json()["items"][0]["value"], "0");
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=route%3Dnone")->status(), 404);
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=tier%3Dfront")->json()["items"][0]["value"], "12");
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=tier%3Dback")->json()["items"][0]["value"], "0");
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=verb%3DGET")->status(), 400);
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=route%3E5")->status(), 400);
  EXPECT_EQ(custom(jobs + "?labelSelector=app%3Da")->status(), 400);
  EXPECT_EQ(custom(jobs + "?metricLabelSelector=%zz")->status(), 400);
  EXPECT_EQ(custom("/namespaces/prod/pods/*/gateway_requests_per_second?labelSelector=x")->status(),
            400);
}

TEST_F(CustomMetricsHandlerTest, ErrorsAreStatusObjects) {
  const auto made = custom("/namespaces/prod/services/none/gateway_requests_per_second");
  EXPECT_EQ(made->status(), 404);
  EXPECT_EQ(made->json()["kind"], "Status");
  EXPECT_EQ(made->json()["apiVersion"], "v1");
  EXPECT_EQ(made->json()["status"], "Failure");
  EXPECT_EQ(made->json()["reason"], "NotFound");
  EXPECT_EQ(made->json()["code"], 404);
  for (const char* path :
       {"/namespaces/prod/services/jobs/other_metric", "/namespaces/prod/secrets/jobs/m",
        "/namespaces/prod/ingresses.extensions/jobs/gateway_requests_per_second",
        "/namespaces/prod/services/jobs", "/services/jobs/gateway_requests_per_second",
        "/namespaces/prod/services/jobs/gateway_requests_per_second/more"})
    EXPECT_EQ(custom(path)->status(), 404) << path;
  EXPECT_EQ(ask("/apis/metrics.k8s.io/v1beta1/namespaces/a/b/c/d")->status(), 404);
}

TEST_F(CustomMetricsHandlerTest, WhatIsNotKnownIs503) {
  const std::string jobs = "/namespaces/prod/services/jobs/gateway_requests_per_second";
  EXPECT_EQ(custom("/namespaces/prod/services/behind/gateway_requests_per_second")->status(), 503);
  target_.synced = false;
  EXPECT_EQ(custom(jobs)->status(), 503);
  target_.synced = true;
  cluster_.list({{"dark"}});
  cluster_.seconds(31, 12);
  EXPECT_EQ(custom(jobs)->status(), 503);
  EXPECT_EQ(custom(jobs)->json()["reason"], "ServiceUnavailable");
}

TEST_F(CustomMetricsHandlerTest, OnlyTheFrontProxyIsBelieved) {
  const std::string target =
      std::string(kCustom) + "/namespaces/prod/services/jobs/gateway_requests_per_second";
  Ask forged(target);
  EXPECT_EQ(forged.header("X-Remote-User", "system:admin").of(handler_).status(), 401);
  EXPECT_EQ(forged.json()["reason"], "Unauthorized");
  Ask userless(target);
  EXPECT_EQ(userless.certificate("front-proxy-client").of(handler_).status(), 401);
  Ask twice(target);
  twice.certificate("f").header("X-Remote-User", "a").header("X-Remote-User", "b");
  EXPECT_EQ(twice.of(handler_).status(), 401);
  handler_.configure({{.allowed_names = {"front-proxy-client"}}, false});
  Ask other(target);
  other.certificate("somebody").header("X-Remote-User", "hpa");
  EXPECT_EQ(other.of(handler_).status(), 401);
  EXPECT_TRUE(authorizer_.requests.empty());
  EXPECT_EQ(ask(target)->status(), 200);
}

TEST_F(CustomMetricsHandlerTest, TheCallerIsPassedOnWhole) {
  Ask made(std::string(kCustom) + "/namespaces/prod/services/jobs/gateway_requests_in_flight");
  made.certificate("p")
      .header("x-remote-user", "alice")
      .header("X-Remote-Group", "a,b")
      .header("X-Remote-Group", "c")
      .header("X-Remote-Extra-Acme.Com%2FProject", "x")
      .header("X-Remote-Extra-Odd%zz", "y")
      .header("X-Remote-Uid", "7")
      .of(handler_);
  EXPECT_EQ(made.status(), 200);
  EXPECT_EQ(authorizer_.callers.at(0),
            (Caller{"alice", "7", {"a,b", "c"}, {{"acme.com/project", "x"}, {"odd%zz", "y"}}}));
}

TEST_F(CustomMetricsHandlerTest, GroupsOfAllHeadersCount) {
  FrontProxySettings settings;
  settings.user_headers = {"X-Absent", "X-Remote-User"};
  settings.group_headers = {"X-Remote-Group", "X-Other-Group"};
  handler_.configure({settings, false});
  Ask made(std::string(kCustom) + "/namespaces/prod/services/jobs/gateway_requests_in_flight");
  made.certificate("p").header("X-Remote-User", "alice").header("X-Remote-Group", "a");
  made.header("X-Other-Group", "b").header("X-Other-Group", "").of(handler_);
  EXPECT_EQ(authorizer_.callers.at(0), (Caller{"alice", "", {"a", "b"}, {}}));
}

TEST(FrontProxy, AsTheConfigMapSays) {
  std::map<std::string, std::string, std::less<>> data{
      {"requestheader-client-ca-file", "PEM"},
      {"requestheader-allowed-names", R"(["front-proxy-client", "other"])"},
      {"requestheader-extra-headers-prefix", R"(["X-Extra-"])"}};
  const auto proxy = read_front_proxy(data);
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->client_ca, "PEM");
  EXPECT_EQ(proxy->settings.allowed_names,
            (std::vector<std::string>{"front-proxy-client", "other"}));
  EXPECT_EQ(proxy->settings.user_headers, std::vector<std::string>{"X-Remote-User"});
  EXPECT_EQ(proxy->settings.extra_prefixes, std::vector<std::string>{"X-Extra-"});
  data["requestheader-allowed-names"] = "[]";
  EXPECT_TRUE(read_front_proxy(data)->settings.allowed_names.empty());
  for (const char* broken : {"front-proxy-client", R"("a")", R"([1])", "{}", "["}) {
    data["requestheader-allowed-names"] = broken;
    EXPECT_FALSE(read_front_proxy(data)) << broken << " must not come to mean any name";
  }
  data = {{"client-ca-file", "PEM"}};
  EXPECT_FALSE(read_front_proxy(data));
}

TEST_F(CustomMetricsHandlerTest, TheAuthorizersWord) {
  const std::string jobs = "/namespaces/prod/services/jobs/gateway_requests_per_second";
  authorizer_.verdict = Authorizer::Verdict::denied;
  EXPECT_EQ(custom(jobs)->status(), 403);
  EXPECT_EQ(custom(jobs)->json()["reason"], "Forbidden");
  authorizer_.verdict = Authorizer::Verdict::unknown;
  EXPECT_EQ(custom(jobs)->status(), 503) << "unreachable is an error, not a yes";
  authorizer_.later = true;
  const auto made = custom(jobs);
  EXPECT_EQ(made->answers, 0);
  authorizer_.waiting.at(0)(Authorizer::Verdict::allowed);
  EXPECT_EQ(made->status(), 200);
}

TEST_F(CustomMetricsHandlerTest, ATargetMayHaveToAskSomebodyFirst) {
  target_.later = true;
  Ask made(kCustom + std::string("/namespaces/prod/services/jobs/gateway_requests_per_second"));
  made.certificate("front-proxy-client").header("X-Remote-User", "hpa").of(handler_);
  EXPECT_EQ(made.answers, 0);
  target_.waiting();
  EXPECT_EQ(made.status(), 200);
}

TEST_F(CustomMetricsHandlerTest, WhatIsCountedByEndpointHasNoLatenciesAndNoLabelsOfRoutes) {
  const std::string node = "/namespaces/prod/nodes/jobs/";
  EXPECT_EQ(custom(node + "gateway_requests_per_second")->status(), 200);
  EXPECT_EQ(custom(node + "gateway_requests_in_flight")->status(), 200);
  EXPECT_EQ(custom(node + "gateway_requests_per_second?metricLabelSelector=")->status(), 200);
  EXPECT_EQ(
      custom(node + "gateway_requests_per_second?metricLabelSelector=route%21%3Didle")->status(),
      400)
      << "what is left without that route is not known";
  const auto latency = custom(node + "gateway_latency_p99_seconds");
  EXPECT_EQ(latency->status(), 404);
  EXPECT_EQ(latency->json()["message"], "gateway_latency_p99_seconds is not told of nodes");
  std::vector<std::string> listed;
  const json discovered = ask(kCustom)->json();
  for (const json& resource : discovered["resources"])
    if (resource["name"].get<std::string>().starts_with("nodes/"))
      listed.push_back(resource["name"]);
  EXPECT_THAT(listed, testing::ElementsAre("nodes/gateway_requests_per_second",
                                           "nodes/gateway_requests_in_flight"));
}

TEST_F(CustomMetricsHandlerTest, DiscoveryIsForAllThatTheFrontProxySends) {
  authorizer_.verdict = Authorizer::Verdict::denied;
  EXPECT_EQ(ask("/apis")->json()["kind"], "APIGroupList");
  EXPECT_EQ(ask("/apis")->json()["groups"].size(), 2u);
  EXPECT_EQ(ask("/apis/custom.metrics.k8s.io")->json()["preferredVersion"]["version"], "v1beta2");
  const json list = ask(kCustom)->json();
  EXPECT_EQ(list["kind"], "APIResourceList");
  EXPECT_EQ(list["groupVersion"], "custom.metrics.k8s.io/v1beta2");
  EXPECT_FALSE(list["resources"].empty());
  EXPECT_EQ(list["resources"].back()["name"], "namespaces/gateway_latency_p99_seconds");
  for (const json& resource : list["resources"]) EXPECT_EQ(resource["verbs"], json::array({"get"}));
  const json external = ask(kExternal)->json();
  EXPECT_EQ(external["resources"].size(), 3u);
  for (const json& resource : external["resources"])
    EXPECT_EQ(resource["verbs"], json::array({"get"}));
  EXPECT_EQ(
      ask("/openapi/v2")->json(),
      json::parse(R"({"swagger":"2.0","info":{"title":"gateway","version":"v1"},"paths":{}})"));
  EXPECT_EQ(ask("/openapi/v3")->json(), json::parse(R"({"paths":{}})"));
  EXPECT_EQ(ask("/apis/apps")->status(), 404);
  EXPECT_EQ(Ask("/apis").of(handler_).status(), 401);
  EXPECT_EQ(Ask("/healthz").of(handler_).status(), 200);
}

TEST_F(CustomMetricsHandlerTest, OnlyReading) {
  Ask made("/apis", http::Method::post);
  EXPECT_EQ(made.of(handler_).status(), 405);
  EXPECT_EQ(made.json()["kind"], "Status");
}

TEST_F(CustomMetricsHandlerTest, ExternalMetrics) {
  const std::string path = std::string(kExternal) + "/namespaces/prod/gateway_requests_per_second";
  json answer = ask(path + "?labelSelector=route%3Djobs")->json();
  EXPECT_EQ(answer["items"][0].erase("timestamp"), 1u);
  EXPECT_EQ(answer, json::parse(R"({"kind":"ExternalMetricValueList",
    "apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[
    {"metricName":"gateway_requests_per_second","metricLabels":{"route":"jobs","tier":"front"},
     "window":34,"value":"12"}]})"));
  EXPECT_EQ(authorizer_.requests.at(0),
            (AccessRequest{"list", "external.metrics.k8s.io", "v1beta1",
                           "gateway_requests_per_second", "", "", "prod"}));
  EXPECT_EQ(ask(path + "?labelSelector=tier%21%3Dfront")->json()["items"][0]["value"], "0");
  EXPECT_EQ(ask(path)->json()["items"].size(), 2u);
  EXPECT_EQ(ask(path + "?labelSelector=route%3Dnone")->status(), 404) << "not a sum of nothing";
  EXPECT_EQ(ask(path + "?labelSelector=zone%3Da")->status(), 400);
  EXPECT_EQ(ask(std::string(kExternal) + "/namespaces/other/gateway_requests_per_second")->status(),
            404);
  handler_.configure({{}, false});
  EXPECT_EQ(ask(path)->status(), 404) << "off unless wanted";
}

TEST(Quantity, IntegersOrThousandthsRoundedUp) {
  EXPECT_EQ(quantity(0).value(), "0");
  EXPECT_EQ(quantity(12.5).value(), "12500m");
  EXPECT_EQ(quantity(40).value(), "40");
  EXPECT_EQ(quantity(0.1 + 0.2).value(), "300m") << "the last bits of a double are no thousandth";
  EXPECT_EQ(quantity(1.0 / 3).value(), "334m");
  EXPECT_EQ(quantity(0.0000001).value(), "1m");
  EXPECT_FALSE(quantity(-1));
  EXPECT_FALSE(quantity(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(quantity(std::numeric_limits<double>::infinity()));
}

TEST(LabelSelector, TheGrammarOfKubernetes) {
  const Labels labels{{"app", "jobs"}, {"tier", "a"}, {"empty", ""}};
  for (const auto& [text, expected] : {
           std::pair{"", true},
           std::pair{"app=jobs", true},
           std::pair{"app==jobs,tier!=b", true},
           std::pair{"app = jobs , tier", true},
           std::pair{"app=other", false},
           std::pair{"app in (x, jobs)", true},
           std::pair{"app notin (x,jobs)", false},
           std::pair{"none notin (x)", true},
           std::pair{"!none", true},
           std::pair{"!app", false},
           std::pair{"none", false},
           std::pair{"empty=", true},
       }) {
    const auto selector = LabelSelector::parse(text);
    ASSERT_TRUE(selector) << text;
    EXPECT_EQ(selector->matches(labels), expected) << text;
  }
  for (const char* text :
       {"=a", "a>5", "a<5", "a in", "a in (b", "a=b c", ",a", "a=b,", "a!", "(a)"})
    EXPECT_FALSE(LabelSelector::parse(text)) << text;
}

TEST(LabelSelector, IsWrittenAsItWasMeant) {
  for (const char* text :
       {"", "app=jobs,tier!=b", "app in (x, jobs)", "a notin (x,y),b,!c", "e="}) {
    const std::string written = LabelSelector::parse(text)->to_string();
    EXPECT_EQ(LabelSelector::parse(written)->to_string(), written) << text;
  }
  EXPECT_EQ(LabelSelector::parse("app=jobs,tier!=b,z notin (x, y),b,!c,e=")->to_string(),
            "app in (jobs),tier notin (b),z notin (x,y),b,!c,e in ()");
}

TEST_F(CustomMetricsHandlerTest, WithoutKubernetesAnObjectIsItsRoute) {
  RouteNameTarget target(cluster_.sum());
  CustomMetricsHandler handler(cluster_.sum(), target, authorizer_);
  const auto ask_for = [&](const std::string& path) {
    Ask made(kCustom + path);
    made.certificate("p").header("X-Remote-User", "u").of(handler);
    return made.status() == 200 ? made.json()["items"][0]["value"].get<std::string>()
                                : std::to_string(made.status());
  };
  EXPECT_EQ(ask_for("/namespaces/x/services/jobs/gateway_requests_per_second"), "12");
  EXPECT_EQ(ask_for("/namespaces/x/services/none/gateway_requests_per_second"), "404");
  EXPECT_EQ(ask_for("/namespaces/x/metrics/gateway_requests_per_second"), "12");
}

}  // namespace
}  // namespace gateway::custom_metrics
