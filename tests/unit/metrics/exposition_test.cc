#include "gateway/metrics/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class Exposition : public testing::Test {
 protected:
  void count_something_everywhere() {
    MetricsShard& shard = registry_.worker(0);
    route_ = shard.route("jobs \"quoted\"\\\n");
    route_->begin();
    route_->arrived(clock_.now());
    route_->finish(200, 80us, 1, 41);
    const auto upstream = shard.upstream("app-a");
    upstream->begin();
    upstream->finish(200, 80us, 1, 41);
    const auto endpoint = shard.endpoint("app-a", "127.0.0.1:5101");
    endpoint->begin();
    endpoint->finish(0, 3min);
    const auto listener = shard.listener("https");
    listener->handshake_done(TlsVersionLabel::tls13, false);
    listener->handshake_done(TlsVersionLabel::tls13, true);
    shard.token("app-b")->allowed.add();
    shard.process().local_reply(ErrorCode::no_route);
    registry_.control().process().reloads_ok.add();
    registry_.facts.build = {"1.2.3+4", "abcdef"};
    registry_.facts.cluster = ClusterFacts{{2, 0, 1, 0}, true};
    registry_.facts.set_certificates({{"listener", "https", "jobs.test", "ecdsa", 1893456000}});
  }

  FakeClock clock_;
  Registry registry_{1, clock_};
  std::shared_ptr<RouteCells> route_;
};

TEST_F(Exposition, ShowsWhatWasCounted) {
  count_something_everywhere();
  const std::string text = exposition(registry_);
  for (
      const char* line : {
          R"(gateway_requests_total{route="jobs \"quoted\"\\\n",class="2xx"} 1)",
          R"(gateway_requests_total{route="jobs \"quoted\"\\\n",class="5xx"} 0)",
          R"(gateway_request_duration_seconds_bucket{route="jobs \"quoted\"\\\n",le="0.0001"} 1)",
          R"(gateway_request_duration_seconds_count{route="jobs \"quoted\"\\\n"} 1)",
          R"(gateway_endpoint_requests_total{upstream="app-a",endpoint="127.0.0.1:5101",class="none"} 1)",
          R"(gateway_endpoint_request_duration_seconds_bucket{upstream="app-a",endpoint="127.0.0.1:5101",le="60"} 0)",
          R"(gateway_endpoint_request_duration_seconds_bucket{upstream="app-a",endpoint="127.0.0.1:5101",le="+Inf"} 1)",
          R"(gateway_listener_tls_handshakes_total{listener="https",version="TLSv1.3",resumed="true"} 1)",
          R"(gateway_listener_tls_handshakes_total{listener="https",version="TLSv1.3",resumed="false"} 1)",
          R"(gateway_token_verdicts_total{upstream="app-b",verdict="allow"} 1)",
          R"(gateway_local_replies_total{reason="no_route"} 1)",
          R"(gateway_reloads_total{result="ok"} 1)",
          R"(gateway_config_refused 0)",
          R"(gateway_build_info{version="1.2.3+4",commit="abcdef"} 1)",
          R"(gateway_cluster_peers{state="fresh"} 2)",
          R"(gateway_cluster_peers{state="stale"} 0)",
          R"(gateway_cluster_peers{state="lost"} 1)",
          R"(gateway_cluster_sums_known 1)",
          R"(gateway_certificate_expiry_seconds{use="listener",owner="https",name="jobs.test",key="ecdsa"} 1893456000)",
      })
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST_F(Exposition, RateIsThatOfCompleteSeconds) {
  clock_.advance(10s);
  route_ = registry_.worker(0).route("jobs");
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 80; ++i) route_->arrived(clock_.now());
    EXPECT_THAT(exposition(registry_), HasSubstr("gateway_requests_per_second{route=\"jobs\"} " +
                                                 std::string(second == 0  ? "0"
                                                             : second < 5 ? ""
                                                                          : "80")));
    clock_.advance(1s);
  }
}

TEST_F(Exposition, AnIdleRouteShowsItsZeroRateButNoHistogram) {
  route_ = registry_.worker(0).route("idle");
  const std::string text = exposition(registry_);
  EXPECT_THAT(text, HasSubstr("gateway_requests_per_second{route=\"idle\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("gateway_requests_total{route=\"idle\",class=\"2xx\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("gateway_request_duration_seconds")));
}

TEST_F(Exposition, WhatIsNotKnownIsNotTold) {
  const std::string text = exposition(registry_);
  for (const char* name : {"gateway_build_info", "gateway_cluster", "gateway_certificate"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
}

TEST_F(Exposition, FactsAreThoseOfTheReading) {
  registry_.before_read([&] { registry_.facts.cluster = ClusterFacts{{1, 0, 0, 0}, false}; });
  const std::string text = exposition(registry_);
  EXPECT_THAT(text, HasSubstr("gateway_cluster_peers{state=\"fresh\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gateway_cluster_sums_known 0\n"));
}

TEST_F(Exposition, ProcessFactsAreThere) {
  const std::string text = exposition(registry_);
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    const std::size_t at = text.find(std::string("\n") + name + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::strtod(text.c_str() + at + 2 + std::string_view(name).size(), nullptr), 0)
        << name;
  }
}

TEST_F(Exposition, PromtoolFindsNothingToSay) {
  count_something_everywhere();
  FILE* promtool = popen("promtool check metrics 2>&1 >/dev/null", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = exposition(registry_);
  fwrite(text.data(), 1, text.size(), promtool);
  EXPECT_EQ(pclose(promtool), 0) << "promtool (package prometheus) refuses:\n" << text;
}

TEST_F(Exposition, ReferenceListsEveryFamilyOnceAndIsInTheDocs) {
  count_something_everywhere();
  const std::string reference = metrics_reference();
  std::istringstream lines(exposition(registry_));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const std::string name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_THAT(reference, HasSubstr("| `" + name + "` |"));
  }
  const std::string path = GATEWAY_SOURCE_DIR "/docs/metrics.md";
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_EQ(page.str(), reference) << "run make docs";
}

}  // namespace
}  // namespace gateway
