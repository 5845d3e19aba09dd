#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "gateway/filter/rate_table.h"
#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using namespace std::chrono_literals;
using test::Bound;
using test::Exchange;
using test::map;
using test::number;
using test::Services;
using test::text;

constexpr Rate kTenASecond{100ms, 400ms};  // five at once

TEST(RateTable, LetsABurstPassThenTheSteadyRate) {
  RateTable table(1024);
  FakeClock clock;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(table.take("a", clock.now(), kTenASecond), 0ns) << i;
  EXPECT_EQ(table.take("a", clock.now(), kTenASecond), 100ms) << "says how long to wait";
  EXPECT_EQ(table.take("b", clock.now(), kTenASecond), 0ns) << "others are others";
  clock.advance(100ms);
  EXPECT_EQ(table.take("a", clock.now(), kTenASecond), 0ns);
  EXPECT_GT(table.take("a", clock.now(), kTenASecond), 0ns);
  clock.advance(10s);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(table.take("a", clock.now(), kTenASecond), 0ns) << i;
}

TEST(RateTable, ForgetsTheQuietestNotTheBusiest) {
  RateTable table(4);
  FakeClock clock;
  for (int i = 0; i < 5; ++i) table.take("busy", clock.now(), kTenASecond);
  for (int i = 0; i < 100; ++i) table.take("c" + std::to_string(i), clock.now(), kTenASecond);
  EXPECT_GT(table.take("busy", clock.now(), kTenASecond), 0ns);
}

TEST(RateTable, CountsOverThreads) {
  RateTable table(1024);
  FakeClock clock;
  const Rate rate{1s, 999s};  // a thousand at once
  table.take("a", clock.now(), rate);
  std::atomic<int> passed{1};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) passed += table.take("a", clock.now(), rate) == 0ns;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passed, 1000);
}

config::Value options(const std::string& by, double rate, std::int64_t burst,
                      const std::string& name = "") {
  return map({{"by", text(by)},
              {"rate", rate},
              {"burst", number(burst)},
              {"ipv6_prefix", number(64)},
              {"clients", number(1024)},
              {"name", name.empty() ? config::Value() : text(name)}});
}

bool passes(Bound& filter, Services& services, std::string_view client,
            std::string_view token_hash = {}) {
  Exchange exchange(services, client);
  exchange.context.token_hash = token_hash;
  return filter->on_request(exchange.context) == Verdict::proceed;
}

TEST(RateLimit, AnswersWhenToComeBack) {
  Services services;
  Bound filter("rate_limit", options("address", 0.01, 1), services);
  EXPECT_TRUE(passes(filter, services, "192.0.2.1"));
  EXPECT_TRUE(passes(filter, services, "192.0.2.2"));
  Exchange exchange(services, "192.0.2.1");
  EXPECT_EQ(filter->on_request(exchange.context), Verdict::reply);
  EXPECT_EQ(exchange.context.reply.code, ErrorCode::rate_limited);
  EXPECT_EQ(Exchange::value_of(exchange.context.reply.headers, "Retry-After"), "100");
}

TEST(RateLimit, AnIpv6NetworkIsOneClient) {
  Services services;
  Bound filter("rate_limit", options("address", 0.01, 1), services);
  EXPECT_TRUE(passes(filter, services, "2001:db8:0:1::1"));
  EXPECT_FALSE(passes(filter, services, "2001:db8:0:1:ffff::2"));
  EXPECT_TRUE(passes(filter, services, "2001:db8:0:2::1"));
}

TEST(RateLimit, CountsByTokenAndWithoutOneByAddress) {
  Services services;
  Bound filter("rate_limit", options("token", 0.01, 1), services);
  EXPECT_TRUE(passes(filter, services, "192.0.2.1", "hash-a"));
  EXPECT_FALSE(passes(filter, services, "192.0.2.2", "hash-a"));
  EXPECT_TRUE(passes(filter, services, "192.0.2.2", "hash-b"));
  EXPECT_TRUE(passes(filter, services, "192.0.2.2"));
  EXPECT_FALSE(passes(filter, services, "192.0.2.2"));
}

TEST(RateLimit, CountsSurviveAReloadUnlessTheSettingsChange) {
  Services services;
  Bound before("rate_limit", options("address", 0.01, 1), services);
  EXPECT_TRUE(passes(before, services, "192.0.2.1"));
  Bound same("rate_limit", options("address", 0.01, 1), services);
  EXPECT_FALSE(passes(same, services, "192.0.2.1"));
  Bound named("rate_limit", options("address", 0.01, 1, "other"), services);
  EXPECT_TRUE(passes(named, services, "192.0.2.1"));
}

TEST(RateLimit, WhoIsExemptIsNotCounted) {
  Services services;
  config::Value::Map some = options("address", 0.01, 1).as<config::Value::Map>();
  some["exempt"] = test::list({"192.0.2.0/30", "2001:db8::/32"});
  Bound filter("rate_limit", config::Value(std::move(some)), services);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(passes(filter, services, "192.0.2.1"));
    EXPECT_TRUE(passes(filter, services, "2001:db8::1"));
  }
  EXPECT_TRUE(passes(filter, services, "192.0.2.4"));
  EXPECT_FALSE(passes(filter, services, "192.0.2.4"));
  Bound strict("rate_limit", options("address", 0.01, 1), services);
  EXPECT_FALSE(passes(strict, services, "192.0.2.4")) << "the same count";
  EXPECT_TRUE(passes(strict, services, "192.0.2.1"));
}

}  // namespace
}  // namespace gateway::filter
