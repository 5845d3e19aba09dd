#include "gateway/custom_metrics/query_api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "gateway/custom_metrics/cluster_handler.h"
#include "gateway/custom_metrics/peers.h"
#include "tests/unit/custom_metrics/cluster.h"
#include "tests/unit/custom_metrics/request.h"

namespace gateway::custom_metrics {
namespace {

using nlohmann::json;
using test::Ask;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// 12 requests a second to "jobs", 1.8e9 seconds after 1970.
class QueryApiTest : public testing::Test {
 protected:
  QueryApiTest() {
    cluster_.list({});
    seconds(61);
  }
  void seconds(int count) {
    for (int i = 0; i < count; ++i) {
      cluster_.second(12);
      history_.tick();
    }
  }
  double wall() const {
    const auto since = cluster_.clock().now() - Instant(1h);
    return 1.8e9 + std::chrono::duration<double>(since).count();
  }

  static std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text)
      out += std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c)
                                                         : fmt::format("%{:02X}", c);
    return out;
  }
  /// As client_golang: a form.
  json post(const std::string& path, const std::string& form, int status = 200) {
    Ask ask(path, http::Method::post);
    ask.header("Authorization", "Bearer secret")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
        .of(handler_);
    EXPECT_EQ(ask.status(), status) << ask.answer().body;
    return ask.json();
  }
  /// As KEDA: a query.
  json fetch(const std::string& target, int status = 200) {
    Ask ask(target);
    ask.header("Authorization", "Bearer secret").of(handler_);
    EXPECT_EQ(ask.status(), status) << target << ask.answer().body;
    return ask.json();
  }
  json query(std::string_view text, int status = 200) {
    return post("/api/v1/query", "query=" + encoded(text), status);
  }
  std::string value(std::string_view text) {
    const json answer = query(text);
    const json& data = answer["data"];
    if (data["resultType"] == "scalar") return data["result"][1];
    EXPECT_EQ(data["result"].size(), 1u) << text;
    return data["result"][0]["value"][1];
  }
  std::string problem(std::string_view text, int status = 400) {
    const json answer = query(text, status);
    EXPECT_EQ(answer["status"], "error");
    return answer["errorType"].get<std::string>() + ": " + answer["error"].get<std::string>();
  }

  test::Cluster cluster_;
  SumHistory history_{cluster_.clock(), cluster_.sum()};
  std::string token_ = "secret";
  ClusterHandler handler_{cluster_.own().rings(), cluster_.sum(), history_,
                          [this] { return token_; }, [this] { return wall(); }};
};

TEST_F(QueryApiTest, OneSeriesPerRoute) {
  const json answer = query("gateway_cluster_requests_per_second");
  EXPECT_EQ(answer["status"], "success");
  EXPECT_EQ(answer["data"]["resultType"], "vector");
  ASSERT_EQ(answer["data"]["result"].size(), 2u);
  EXPECT_EQ(answer["data"]["result"][1]["metric"],
            json::parse(R"({"__name__":"gateway_cluster_requests_per_second","route":"jobs"})"));
  EXPECT_EQ(answer["data"]["result"][1]["value"][1], "12");
  EXPECT_TRUE(answer["data"]["result"][1]["value"][0].is_number());
}

TEST_F(QueryApiTest, WhatAutoscalersAsk) {
  for (const auto& [text, expected] : {
           std::pair{R"(gateway_cluster_requests_per_second{route="jobs"})", "12"},
           std::pair{R"(gateway_cluster_requests_per_second{route=~"jo.*", route!="x"})", "12"},
           std::pair{R"({__name__="gateway_cluster_requests_in_flight",route='jobs'})", "0"},
           std::pair{"sum(gateway_cluster_requests_per_second)", "12"},
           std::pair{"avg(gateway_cluster_requests_per_second)", "6"},
           std::pair{"max(gateway_cluster_requests_per_second)", "12"},
           std::pair{"min(gateway_cluster_requests_per_second)", "0"},
           std::pair{"count(gateway_cluster_requests_per_second)", "2"},
           std::pair{R"(sum by (route) (gateway_cluster_requests_per_second{route="jobs"}))", "12"},
           std::pair{R"(sum(gateway_cluster_requests_per_second{route="jobs"}) by (route))", "12"},
           std::pair{"sum(gateway_cluster_requests_per_second) / 2", "6"},
           std::pair{"2 * (sum(gateway_cluster_requests_per_second) + 1) - 1", "25"},
           std::pair{"1 + 2 * 3", "7"},
           std::pair{"10 - 2 - 3", "5"},
           std::pair{".5", "0.5"},
       })
    EXPECT_EQ(value(text), expected) << text;
  const json grouped = query("max by (route) (gateway_cluster_requests_per_second)");
  EXPECT_EQ(grouped["data"]["result"].size(), 2u);
  EXPECT_EQ(grouped["data"]["result"][0]["metric"], json({{"route", "idle"}}));
}

TEST_F(QueryApiTest, EverythingElseIsAClearError) {
  EXPECT_THAT(problem("rate(gateway_cluster_requests_per_second[1m])"), HasSubstr("rates already"));
  EXPECT_THAT(problem("gateway_cluster_requests_per_second[1m]"), HasSubstr("rates already"));
  EXPECT_THAT(problem("gateway_requests_per_second"),
              HasSubstr("gateway_cluster_requests_per_second"))
      << "a replica's own";
  EXPECT_THAT(problem(R"(gateway_cluster_requests_per_second{pod="a"})"), HasSubstr("no label"));
  EXPECT_THAT(problem("sum by (pod) (gateway_cluster_requests_per_second)"), HasSubstr("pod"));
  EXPECT_THAT(problem("sum without (route) (gateway_cluster_requests_per_second)"),
              HasSubstr("without"));
  EXPECT_THAT(problem("gateway_cluster_requests_per_second offset 5m"), HasSubstr("offset"));
  EXPECT_THAT(problem("sum(1)"), HasSubstr("number"));
  EXPECT_THAT(problem("gateway_cluster_requests_per_second / gateway_cluster_requests_in_flight"),
              HasSubstr("between two metrics"));
  for (const char* text :
       {"", "(", "sum(", "1 +", "{", "{}", "a{route}", "a{route=x}", "1 2", "sum",
        R"(gateway_cluster_requests_per_second{route=~"("})", "a{route=\"x}"})
    EXPECT_THAT(problem(text), HasSubstr("bad_data")) << text;
  EXPECT_THAT(problem(std::string(100, '(')), HasSubstr("nested"));
}

TEST_F(QueryApiTest, NoNumberThatScalersMistake) {
  EXPECT_THAT(problem(R"(sum(gateway_cluster_requests_per_second{route="none"}))", 422),
              HasSubstr("no route"))
      << "empty would be 0";
  EXPECT_THAT(problem("1 / 0", 422), HasSubstr("infinite"));
  EXPECT_THAT(problem("0 / 0", 422), HasSubstr("execution"));
  EXPECT_THAT(problem("sum(gateway_cluster_requests_per_second) - 100", 422),
              HasSubstr("negative"));
  cluster_.list({{"dark"}});
  cluster_.seconds(31);
  EXPECT_THAT(problem("sum(gateway_cluster_requests_per_second)", 503), HasSubstr("unavailable"));
}

TEST_F(QueryApiTest, TimeNearNowIsNow) {
  const std::string text = "/api/v1/query?query=sum(gateway_cluster_requests_per_second)";
  for (const char* at : {"2027-01-15T08:01:01Z", "2027-01-15T08:01:00.5Z",
                         "2027-01-15T09:01:01%2B01:00", "1800000060", "1800000061.5"})
    EXPECT_EQ(fetch(text + "&time=" + at)["data"]["result"][0]["value"][1], "12") << at;
  EXPECT_EQ(fetch(text + "&time=yesterday", 400)["errorType"], "bad_data");
  EXPECT_EQ(fetch(text + "&time=1700000000", 422)["errorType"], "execution");
}

TEST_F(QueryApiTest, RangesGoOverWhatWasKept) {
  const auto range = [&](int from, int to, int step) {
    return fmt::format(
        "query=sum(gateway_cluster_requests_per_second)&start={:.3f}&end={:.3f}&step={}",
        wall() - from, wall() - to, step);
  };
  // Nothing was kept yet: the present alone.
  json answer = post("/api/v1/query_range", range(60, 0, 1));
  EXPECT_EQ(answer["data"]["resultType"], "matrix");
  EXPECT_EQ(answer["data"]["result"][0]["values"].size(), 1u);
  seconds(30);
  answer = post("/api/v1/query_range", range(60, 0, 1));
  ASSERT_EQ(answer["data"]["result"].size(), 1u);
  EXPECT_EQ(answer["data"]["result"][0]["values"].size(), 30u);
  for (const json& point : answer["data"]["result"][0]["values"]) EXPECT_EQ(point[1], "12");
  answer = post("/api/v1/query_range", range(20, 0, 5));
  EXPECT_EQ(answer["data"]["result"][0]["values"].size(), 5u);
  EXPECT_EQ(post("/api/v1/query_range", range(290, 200, 1), 422)["errorType"], "execution");
  EXPECT_EQ(post("/api/v1/query_range", range(0, 60, 1), 400)["errorType"], "bad_data");
  EXPECT_EQ(post("/api/v1/query_range", range(60, 0, 0), 400)["errorType"], "bad_data");
  EXPECT_EQ(post("/api/v1/query_range", range(60'000, 0, 1), 400)["errorType"], "bad_data");
  EXPECT_EQ(post("/api/v1/query_range", "query=1&start=1&end=2&step=1s", 422)["status"], "error");
}

TEST_F(QueryApiTest, TheHistoryIsForgottenWhenNobodyAsks) {
  history_.want();
  seconds(10);
  EXPECT_EQ(history_.value(Metric::requests_per_second, "jobs", 5), 12);
  EXPECT_EQ(history_.value(Metric::requests_per_second, "idle", 5), 0);
  EXPECT_EQ(history_.value(Metric::latency_p99, "jobs", 5), std::nullopt);
  EXPECT_EQ(history_.value(Metric::requests_per_second, "jobs", 20), std::nullopt);
  cluster_.clock().advance(SumHistory::kWanted);
  history_.tick();
  EXPECT_EQ(history_.value(Metric::requests_per_second, "jobs", 0), std::nullopt);
}

/// Calls of "app" at this replica and at another: of 10 a second one is answered 503, and one not.
class QueryApiCallsTest : public QueryApiTest {
 protected:
  QueryApiCallsTest() {
    cluster_.add("a");
    cluster_.list_all();
    for (int i = 0; i < 61; ++i) {
      call(cluster_.own(), 200, 3);
      call(cluster_.own(), 503, 1);
      call(cluster_.peer("a"), 404, 5);
      call(cluster_.peer("a"), 0, 1);
      seconds(1);
    }
  }
  void call(test::Process& process, int status, int count) {
    const auto cells = process.registry().worker(0).upstream("app");
    for (int i = 0; i < count; ++i) {
      cells->begin();
      cells->finish(status, 1ms, 0, 0);
    }
    held_.push_back(cells);
    held_.push_back(process.registry().worker(0).upstream("idle"));
  }
  std::vector<std::shared_ptr<UpstreamCells>> held_;
};

TEST_F(QueryApiCallsTest, CallsOfAnUpstreamAndThoseThatFailed) {
  for (const auto& [text, expected] : {
           std::pair{R"(gateway_cluster_upstream_requests_per_second{upstream="app"})", "10"},
           std::pair{R"(gateway_cluster_upstream_failures_per_second{upstream="app"})", "2"},
           std::pair{R"(gateway_cluster_upstream_failures_per_second{upstream=~"a.*"})", "2"},
           std::pair{R"(gateway_cluster_upstream_failures_per_second{upstream="idle"})", "0"},
           std::pair{"sum(gateway_cluster_upstream_requests_per_second)", "10"},
           std::pair{R"(max by (upstream) (gateway_cluster_upstream_failures_per_second
                       {upstream!="idle"}))",
                     "2"},
       })
    EXPECT_NEAR(std::stod(value(text)), std::stod(expected), 0.1) << text;
  const json answer = query(R"(gateway_cluster_upstream_requests_per_second{upstream="app"})");
  EXPECT_EQ(answer["data"]["result"][0]["metric"],
            json::parse(R"({"__name__":"gateway_cluster_upstream_requests_per_second",
                            "upstream":"app"})"));
}

TEST_F(QueryApiCallsTest, WhatFailedAgesOutOfTheMinute) {
  seconds(30);
  const char* text = R"(gateway_cluster_upstream_failures_per_second{upstream="app"})";
  EXPECT_NEAR(std::stod(value(text)), 1, 0.1);
  seconds(31);
  EXPECT_EQ(value(text), "0");
}

TEST_F(QueryApiCallsTest, UpstreamsAreNoRoutes) {
  EXPECT_THAT(problem(R"(sum(gateway_cluster_upstream_requests_per_second{upstream="none"}))", 422),
              HasSubstr("no route or upstream"))
      << "empty would be 0";
  EXPECT_THAT(problem(R"(gateway_cluster_upstream_requests_per_second{route="jobs"})", 422),
              HasSubstr("no route or upstream"));
  EXPECT_EQ(query("count(gateway_cluster_requests_per_second)")["data"]["result"][0]["value"][1],
            "2");
  EXPECT_EQ(fetch("/api/v1/labels")["data"], json::array({"__name__", "route", "upstream"}));
  EXPECT_EQ(fetch("/api/v1/label/upstream/values")["data"], json::array({"app", "idle"}));
  EXPECT_EQ(fetch("/api/v1/label/__name__/values")["data"].size(), 5u);
  EXPECT_EQ(fetch("/api/rates")["routes"].size(), 2u);
}

TEST_F(QueryApiTest, LabelsAndSeries) {
  EXPECT_EQ(fetch("/api/v1/labels")["data"], json::array({"__name__", "route"}));
  EXPECT_EQ(fetch("/api/v1/label/route/values")["data"], json::array({"idle", "jobs"}));
  EXPECT_EQ(fetch("/api/v1/label/route/values?match[]=%7Broute%3D%22jobs%22%7D")["data"],
            json::array({"jobs"}));
  EXPECT_EQ(fetch("/api/v1/label/__name__/values")["data"].size(), 3u);
  EXPECT_EQ(fetch("/api/v1/label/other/values")["data"], json::array());
  EXPECT_EQ(post("/api/v1/series", "match[]=gateway_cluster_requests_in_flight")["data"].size(),
            2u);
  EXPECT_EQ(fetch("/api/v1/series", 400)["errorType"], "bad_data");
  EXPECT_EQ(fetch("/api/v1/alerts", 404)["status"], "error");
}

TEST_F(QueryApiTest, Rates) {
  const json answer = fetch("/api/rates");
  EXPECT_EQ(answer["routes"]["jobs"],
            json::parse(R"({"requests_per_second":12.0,"window_seconds":34,"in_flight":0})"));
  EXPECT_EQ(answer["routes"]["idle"]["requests_per_second"], 0);
  EXPECT_EQ(fetch("/api/rates?route=jobs")["routes"].size(), 1u);
  EXPECT_EQ(fetch("/api/rates?route=none", 404).contains("routes"), false);
  cluster_.list({{"dark"}});
  EXPECT_EQ(fetch("/api/rates")["peers"]["dark"]["state"], "silent");
  cluster_.seconds(31);
  EXPECT_EQ(fetch("/api/rates", 503).contains("routes"), false) << "no number for a scaler";
}

TEST_F(QueryApiTest, ReadersNeedTheTokenOrACertificate) {
  EXPECT_EQ(Ask("/api/rates").of(handler_).status(), 401);
  EXPECT_EQ(Ask("/api/v1/labels").header("Authorization", "Bearer wrong").of(handler_).status(),
            401);
  EXPECT_FALSE(Ask("/api/rates").of(handler_).answer().challenge.empty());
  EXPECT_EQ(Ask("/api/rates").certificate("keda").of(handler_).status(), 200);
  token_.clear();
  EXPECT_EQ(Ask("/api/rates").header("Authorization", "Bearer ").of(handler_).status(), 401);
  EXPECT_EQ(Ask("/healthz").of(handler_).status(), 200);
  EXPECT_EQ(Ask("/other").of(handler_).status(), 404);
}

TEST_F(QueryApiTest, PeersNeedACertificate) {
  const std::string question = encode(RingsQuery{});
  Ask token("/cluster/rings", http::Method::post);
  token.header("Authorization", "Bearer secret").body(question);
  EXPECT_EQ(token.of(handler_).status(), 403) << "a reader's token does not make a peer";
  Ask peer("/cluster/rings", http::Method::post);
  peer.certificate("replica").body(question).of(handler_);
  EXPECT_EQ(peer.status(), 200);
  ASSERT_TRUE(decode_report(peer.answer().body));
  EXPECT_EQ(decode_report(peer.answer().body)->replica, "own");
  Ask malformed("/cluster/rings", http::Method::post);
  EXPECT_EQ(malformed.certificate("replica").body("x").of(handler_).status(), 400);
  EXPECT_EQ(Ask("/cluster/rings").certificate("replica").of(handler_).status(), 405);
}

TEST(PeerList, OneAddressALine) {
  const auto peers = read_peer_list("# replicas\n10.0.0.1:9903\n\n [fd00::1]:9903  # two\r\n");
  ASSERT_TRUE(peers);
  ASSERT_EQ(peers->size(), 2u);
  EXPECT_EQ((*peers)[1].to_string(), "[fd00::1]:9903");
  EXPECT_TRUE(read_peer_list("")->empty());
  for (const char* text : {"host:1", "10.0.0.1", ":9903", "0.0.0.0:1", "10.0.0.1:0"}) {
    const auto wrong = read_peer_list(std::string("10.0.0.1:1\n") + text);
    ASSERT_FALSE(wrong) << text;
    EXPECT_THAT(wrong.error().detail, HasSubstr("line 2"));
  }
}

}  // namespace
}  // namespace gateway::custom_metrics
