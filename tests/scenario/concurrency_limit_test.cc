#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/scripted_server.h"
#include "unit/filter/fixtures.h"

/// Only so many requests at once, over reloads too.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;

/// An application that answers /held when it is told to and everything else at once.
class Slow {
 public:
  ~Slow() {
    if (!released_) release();
  }
  std::string address() const { return server_.address(); }
  /// Until so many requests wait here.
  void wait_for(int requests) const {
    while (held_ < requests) std::this_thread::yield();
  }
  void release() {
    released_ = true;
    release_.set_value();
  }

 private:
  void serve(Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->starts_with("GET /held")) {
        ++held_;
        may_go_.wait();
      }
      if (!peer.send(http_answer(200, "done"))) return;
    }
  }

  bool released_ = false;
  std::promise<void> release_;
  std::shared_future<void> may_go_{release_.get_future()};
  std::atomic<int> held_{0};
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

/// Two routes to `app`, /other and the rest; clients are told apart by X-Forwarded-For.
std::string config(const Slow& app, const std::string& filters, const std::string& more = {}) {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0', trusted_proxies: [127.0.0.0/8]}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         app.address() + "]}\nfilters:\n" + filters +
         "\nroutes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app}\n"
         "  - {name: other, match: {path_prefix: /other}, forward: app}\n" +
         more;
}

std::string from(std::string_view client, std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + std::string(client) + "\r\n\r\n";
}

TEST(ConcurrencyLimit, AClientHasSoManyAtOnce) {
  Slow app;
  Gateway gateway(config(app, "  - {type: concurrency_limit, requests: 2}"));
  HttpClient first(gateway.port());
  HttpClient second(gateway.port());
  first.send(from("2001:db8:0:1::1", "/held"));
  second.send(from("2001:db8:0:1::2", "/held"));
  app.wait_for(2);
  const Reply refused = fetch(gateway.port(), from("2001:db8:0:1::3", "/other"));
  EXPECT_EQ(refused.status, 429) << "one network is one client, on all routes";
  EXPECT_EQ(refused.field("retry-after"), "1");
  EXPECT_EQ(fetch(gateway.port(), from("2001:db8:0:2::1", "/")).status, 200);
  EXPECT_EQ(fetch(gateway.port(), from("192.0.2.1", "/")).status, 200);
  app.release();
  EXPECT_EQ(first.read_reply().status, 200);
  EXPECT_EQ(second.read_reply().status, 200);
  EXPECT_EQ(first.fetch(from("2001:db8:0:1::3", "/")).status, 200);
}

TEST(ConcurrencyLimit, WhoIsExemptIsNotCounted) {
  Slow app;
  Gateway gateway(config(app, "  - {type: concurrency_limit, requests: 1, exempt: 10.0.0.0/8}"));
  HttpClient first(gateway.port());
  HttpClient second(gateway.port());
  first.send(from("10.0.0.1", "/held"));
  second.send(from("192.0.2.1", "/held"));
  app.wait_for(2);
  EXPECT_EQ(fetch(gateway.port(), from("10.0.0.1", "/")).status, 200);
  EXPECT_EQ(fetch(gateway.port(), from("192.0.2.1", "/")).status, 429);
  app.release();
  EXPECT_EQ(first.read_reply().status, 200);
  EXPECT_EQ(second.read_reply().status, 200);
}

TEST(ConcurrencyLimit, ARouteHasSoManyAtOnce) {
  Slow app;
  Gateway gateway(config(app, "  - {type: concurrency_limit, requests: 1, by: route}"));
  HttpClient client(gateway.port());
  client.send(from("192.0.2.1", "/held"));
  app.wait_for(1);
  const Reply refused = fetch(gateway.port(), from("192.0.2.2", "/"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "1");
  EXPECT_EQ(fetch(gateway.port(), from("192.0.2.2", "/other")).status, 200);
  app.release();
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.fetch(from("192.0.2.2", "/")).status, 200);
}

TEST(ConcurrencyLimit, WhatIsUnderWaySurvivesAReload) {
  const std::string limit = "  - {type: concurrency_limit, requests: 1}\n";
  Slow app;
  Gateway gateway(config(app, limit));
  HttpClient client(gateway.port());
  client.send(from("192.0.2.1", "/held"));
  app.wait_for(1);
  gateway.reload(config(app, limit + "  - request_id\n",
                        "  - {name: new, match: {path: /new}, respond: {status: 200}}\n"));
  EXPECT_NE(fetch(gateway.port(), from("192.0.2.2", "/new")).field("x-request-id"), "");
  EXPECT_EQ(fetch(gateway.port(), from("192.0.2.1", "/new")).status, 429);
  app.release();
  EXPECT_EQ(client.read_reply().status, 200) << "served as it began";
  EXPECT_EQ(fetch(gateway.port(), from("192.0.2.1", "/new")).status, 200);
}

TEST(ConcurrencyLimit, EveryEndGivesThePlaceBack) {
  Slow app;
  Gateway gateway(config(app,
                         "  - {type: concurrency_limit, requests: 1, by: route}\n"
                         "  - {type: body_limit, size: 1}"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fetch(gateway.port(), post("/", "12")).status, 413);
  {
    HttpClient leaves(gateway.port());
    leaves.send(get("/held"));
    app.wait_for(1);
    EXPECT_EQ(fetch(gateway.port(), get("/")).status, 503);
    leaves.socket().reset_at_close();
  }
  const auto start = std::chrono::steady_clock::now();
  while (fetch(gateway.port(), get("/")).status != 200)
    ASSERT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(kPatienceSeconds));
}

TEST(ConcurrencyLimit, CountsOverThreads) {
  filter::test::Services services;
  const auto options = filter::test::map(
      {{"requests", filter::test::number(1000)}, {"by", filter::test::text("address")}});
  filter::test::Bound filter("concurrency_limit", options, services);
  std::atomic<int> under_way{0};
  const auto take_and_give = [&](int requests, bool give) {
    for (int i = 0; i < requests; ++i) {
      filter::test::Exchange exchange(services);
      if (filter->on_request(exchange.context) != filter::Verdict::proceed) continue;
      ++under_way;
      if (!give) continue;
      filter->on_done(exchange.context, {});
      --under_way;
    }
  };
  take_and_give(1, false);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(take_and_give, 1000, t % 2 == 0);
  for (std::thread& thread : threads) thread.join();
  take_and_give(1000, false);
  EXPECT_EQ(under_way, 1000);
}

TEST(ConcurrencyLimit, ItsOptionsAreChecked) {
  Slow app;
  const auto problem = [&](const std::string& options) -> std::string {
    try {
      Gateway gateway(config(app, "  - {type: concurrency_limit" + options + "}"));
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(problem(", requests: 7, by: route"), "none");
  EXPECT_THAT(problem(""), HasSubstr("requests"));
  EXPECT_THAT(problem(", requests: 0"), HasSubstr("1"));
  EXPECT_THAT(problem(", requests: 7, by: adress"), HasSubstr("did you mean \"address\""));
  EXPECT_THAT(problem(", request: 7"), HasSubstr("did you mean \"requests\""));
}

}  // namespace
}  // namespace gateway::test
