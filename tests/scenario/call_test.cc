#include "gateway/upstream/call.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <functional>

#include "gateway/metrics/registry.h"
#include "gateway/net/tls_client.h"
#include "gateway/upstream/http_prober.h"
#include "support/scripted_server.h"

/// Calls on a loop of their own against scripted servers.
namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;
using test::always;
using test::http_answer;
using test::Peer;
using test::ScriptedServer;

/// One request and what became of it.
class Request final : private CallObserver {
 public:
  Request(EventLoop& loop, http::Method method, std::string body = {})
      : loop_(loop), body_(std::move(body)) {
    head_.method = method;
    head_.path = head_.target = "/";
    head_.host = "app";
    if (!body_.empty()) head_.body = {http::Framing::length, body_.size()};
  }
  Request& start(const LocalPtr<Upstream>& upstream, const CallOptions& options = {}) {
    call_.start(upstream, head_, *this, options);
    if (!body_.empty() && call_.active()) {
      call_.write_body(body_);
      call_.end_body(nullptr);
    }
    return *this;
  }
  /// The client has said how long its body is and nothing of it yet.
  Request& start_without_body(const LocalPtr<Upstream>& upstream, std::size_t length) {
    head_.body = {http::Framing::length, length};
    return start(upstream);
  }
  Request& wait() {
    run_until([this] { return ended_; });
    return *this;
  }
  void run_for(Duration duration) {
    const Instant end = loop_.now() + duration;
    run_until([&] { return loop_.now() >= end; });
  }
  template <typename Condition>
  void run_until(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < give_up) loop_.run_once(10ms);
    EXPECT_TRUE(condition());
  }

  int status = 0;
  std::string answer;
  ErrorCode error = ErrorCode::none;
  std::function<void()> at_end = [] {};
  Call& call() { return call_; }
  bool answering() const { return !answer.empty(); }

 private:
  void on_call_ready() override {}
  void on_informational(http::ResponseHead&) override {}
  void on_response_head(http::ResponseHead& head) override { status = head.status; }
  void on_response_body(std::string_view bytes) override { answer.append(bytes); }
  void on_response_trailers(http::HeaderList&) override {}
  void on_response_end() override {
    ended_ = true;
    at_end();
  }
  void on_call_failed(const Error& failure) override {
    error = failure.code;
    ended_ = true;
  }
  void on_call_writable() override {}

  EventLoop& loop_;
  std::string body_;
  http::RequestHead head_;
  Call call_;
  bool ended_ = false;
};

class CallTest : public ::testing::Test {
 protected:
  CallTest() { settings_.name = "app"; }

  LocalPtr<Upstream> upstream(std::initializer_list<const ScriptedServer*> servers,
                              std::shared_ptr<net::ClientTlsContext> tls = nullptr) {
    auto set = std::make_shared<EndpointSet>();
    set->upstream = "app";
    set->load = std::make_shared<UpstreamLoad>();
    for (const ScriptedServer* server : servers)
      set->entries.push_back(
          {std::make_shared<Endpoint>("app", SocketAddress::parse(server->address()).value(),
                                      "127.0.0.1", ""),
           1});
    set_ = set;
    LocalPtr<Upstream> upstream(new Upstream(loop_,
                                             std::make_shared<const config::Upstream>(settings_),
                                             std::move(tls), &registry_.worker(0)));
    upstream->update(set_);
    return upstream;
  }

  EventLoop loop_;
  Registry registry_{1, loop_};
  config::Upstream settings_;
  EndpointSetPtr set_;
};

TEST_F(CallTest, KeepsConnectionsForTheNextCall) {
  ScriptedServer server(always(http_answer(200, "hello")));
  const auto app = upstream({&server});
  for (int i = 0; i < 3; ++i) {
    Request request(loop_, http::Method::get);
    request.start(app).wait();
    EXPECT_EQ(request.status, 200);
    EXPECT_EQ(request.answer, "hello");
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(set_->entries[0].endpoint->in_flight(), 0U);
  EXPECT_EQ(set_->entries[0].endpoint->connections(), 1U);
}

TEST_F(CallTest, SendsBodies) {
  ScriptedServer server([](Peer& peer) {
    const auto request = peer.read_request();
    peer.send(http_answer(200, request->substr(request->find("\r\n\r\n") + 4)));
  });
  Request request(loop_, http::Method::post, std::string(300'000, 'x'));
  request.start(upstream({&server})).wait();
  EXPECT_EQ(request.answer, std::string(300'000, 'x'));
}

TEST_F(CallTest, TriesAnotherEndpointWhenOneRefuses) {
  ScriptedServer dead(always(""));
  ScriptedServer alive(always(http_answer(200, "alive")));
  dead.stop();
  const auto app = upstream({&dead, &alive});
  std::uint32_t attempts = 0;
  for (int i = 0; i < 5; ++i) {
    Request request(loop_, http::Method::post, "job");
    request.start(app).wait();
    EXPECT_EQ(request.answer, "alive");
    attempts += request.call().attempts();
  }
  EXPECT_LE(attempts, 6U) << "the refusing endpoint is ejected at once";
}

TEST_F(CallTest, RepeatsGetsButNotPostsThatMayHaveBeenExecuted) {
  const auto dies = [](Peer& peer) { peer.read_request(); };
  ScriptedServer a(dies);
  ScriptedServer b(dies);
  Request get(loop_, http::Method::get);
  get.start(upstream({&a, &b})).wait();
  EXPECT_EQ(get.error, ErrorCode::upstream_reset);
  EXPECT_EQ(get.call().attempts(), 3U);
  Request post(loop_, http::Method::post, "job");
  post.start(upstream({&a, &b})).wait();
  EXPECT_EQ(post.error, ErrorCode::upstream_reset);
  EXPECT_EQ(post.call().attempts(), 1U);
}

TEST_F(CallTest, ACanceledCallLeavesNothingBehind) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
    peer.wait_for_close();
  });
  const auto app = upstream({&server});
  Request request(loop_, http::Method::get);
  request.start(app);
  request.run_until([&] { return request.answering(); });
  EXPECT_EQ(set_->entries[0].endpoint->in_flight(), 1U);
  request.call().cancel();
  EXPECT_EQ(set_->entries[0].endpoint->in_flight(), 0U);
  EXPECT_EQ(set_->load->requests.taken(), 0U);
  EXPECT_EQ(set_->load->connections.taken(), 0U) << "an unfinished connection must not be kept";
  loop_.run_once(0ms);
  server.wait_for_no_connections();
}

TEST_F(CallTest, WaitsForAConnectionUnderTheBound) {
  settings_.limits.connections = 1;
  ScriptedServer server(always(http_answer(200, "ok")));
  const auto app = upstream({&server});
  Request first(loop_, http::Method::get);
  Request second(loop_, http::Method::get);
  first.start(app);
  second.start(app);
  first.wait();
  second.wait();
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CallTest, UnderTheBoundNobodyIsForgottenWhenConnectionsClose) {
  settings_.limits.connections = 1;
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(http_answer(200, "ok", "Connection: close\r\n"));
  });
  const auto app = upstream({&server});
  Request first(loop_, http::Method::get);
  Request second(loop_, http::Method::get);
  Request third(loop_, http::Method::get);
  for (Request* request : {&first, &second, &third}) request->start(app);
  for (Request* request : {&first, &second, &third}) EXPECT_EQ(request->wait().status, 200);
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(CallTest, UnderTheBoundEachLearnsThatNoConnectionCanBeMade) {
  settings_.limits.connections = 1;
  settings_.retries.attempts = 0;
  ScriptedServer server(always(""));
  server.stop();
  const auto app = upstream({&server});
  Request first(loop_, http::Method::get);
  Request second(loop_, http::Method::get);
  first.start(app);
  second.start(app);
  EXPECT_EQ(first.wait().error, ErrorCode::connect_failed);
  EXPECT_EQ(second.wait().error, ErrorCode::connect_failed);
  const auto& cells = *registry_.worker(0).upstream("app");
  EXPECT_EQ(cells.connections.value(), 0);
  EXPECT_EQ(cells.waiting.value(), 0);
  EXPECT_EQ(registry_.worker(0).endpoint("app", server.address())->in_flight.value(), 0);
}

TEST_F(CallTest, AnEndpointThatLeftIsLetGoWithItsLastWaiter) {
  settings_.retries.attempts = 0;
  ScriptedServer server(always(""));
  server.stop();
  const auto app = upstream({&server});
  const std::weak_ptr<Endpoint> endpoint = set_->entries[0].endpoint;
  Request request(loop_, http::Method::get);
  request.start(app);
  auto empty = std::make_shared<EndpointSet>(*set_);
  empty->entries.clear();
  set_ = empty;
  app->update(set_);
  request.wait();
  request.run_until([&] { return endpoint.expired(); });
}

TEST_F(CallTest, WhatFallsFreeGoesToThoseWhoCameFirst) {
  settings_.limits.requests = 1;
  std::string order;
  ScriptedServer server([&order](Peer& peer) {
    while (const auto request = peer.read_request()) {
      order += request->back();
      if (!peer.send(http_answer(200, "ok"))) return;
    }
  });
  {
    const auto app = upstream({&server});
    Request first(loop_, http::Method::post, "1");
    Request second(loop_, http::Method::post, "2");
    Request late(loop_, http::Method::post, "3");
    first.at_end = [&] { late.start(app); };
    first.start(app);
    second.start(app);
    second.wait();
    late.wait();
  }
  server.stop();
  EXPECT_EQ(order, "123");
}

TEST_F(CallTest, AClientThatIsSlowWithItsBodyIsNotTheEndpointsFault) {
  settings_.timeouts.request = 100ms;
  ScriptedServer server(always(http_answer(200, "ok")));
  Request request(loop_, http::Method::post);
  request.start_without_body(upstream({&server}), 2);
  request.run_for(250ms);
  request.call().write_body("x");
  request.run_for(250ms);
  EXPECT_EQ(request.error, ErrorCode::none);
  request.call().write_body("x");
  request.call().end_body(nullptr);
  EXPECT_EQ(request.wait().status, 200);
  EXPECT_EQ(set_->entries[0].endpoint->consecutive_failures(), 0U);
}

TEST_F(CallTest, TheRequestTimeoutRunsFromTheEndOfTheBody) {
  settings_.timeouts.request = 100ms;
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  Request request(loop_, http::Method::post);
  request.start_without_body(upstream({&server}), 1);
  request.run_for(150ms);
  request.call().write_body("x");
  request.call().end_body(nullptr);
  EXPECT_EQ(request.wait().error, ErrorCode::upstream_timeout);
  EXPECT_EQ(set_->entries[0].endpoint->consecutive_failures(), 1U);
}

TEST_F(CallTest, WithoutAnIdleTimeoutABodyMayPauseAsLongAsItLikes) {
  settings_.timeouts.request = 100ms;
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    peer.wait_for_close();
  });
  CallOptions options;
  options.idle_timeout = 0s;
  Request request(loop_, http::Method::get);
  request.start(upstream({&server}), options);
  request.run_until([&] { return request.answering(); });
  request.run_for(250ms);
  server.send_to_all("llo");
  EXPECT_EQ(request.wait().error, ErrorCode::none);
  EXPECT_EQ(request.answer, "hello");
}

TEST_F(CallTest, WithoutAConnectionInTimeTheEndpointCountsAsOneThatAcceptsNone) {
  settings_.timeouts.request = 100ms;
  settings_.timeouts.connect = 20s;
  settings_.tls.emplace();
  settings_.tls->verify = false;
  net::TlsLibrary library;
  std::shared_ptr<net::ClientTlsContext> tls =
      net::ClientTlsContext::make(library, *settings_.tls).value();
  ScriptedServer mute([](Peer& peer) { peer.wait_for_close(); });
  {
    Request request(loop_, http::Method::get);
    EXPECT_EQ(request.start(upstream({&mute}, tls)).wait().error, ErrorCode::upstream_timeout);
    EXPECT_FALSE(set_->entries[0].endpoint->accepts_connections());
  }
  tls.reset();
  loop_.run_once(0ms);
}

TEST_F(CallTest, OurLackOfDescriptorsEjectsNobody) {
  ScriptedServer server(always(http_answer(200, "ok")));
  const auto app = upstream({&server});
  server.stop();  // it is to need none meanwhile
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 1;
  Request poor(loop_, http::Method::get);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  poor.start(app).wait();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(poor.error, ErrorCode::resource_exhausted);
  EXPECT_EQ(set_->entries[0].endpoint->ejections(), 0U);
  EXPECT_TRUE(set_->entries[0].endpoint->accepts_connections());
  server.start();
  Request request(loop_, http::Method::get);
  EXPECT_EQ(request.start(app).wait().status, 200);
}

TEST_F(CallTest, AWholeRequestHasOneDeadlineHoweverManyTries) {
  settings_.timeouts.request = 200ms;
  settings_.timeouts.per_try = 80ms;
  settings_.retries.attempts = 100;
  settings_.retries.budget_floor = 100;
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  Request request(loop_, http::Method::get);
  request.start(upstream({&server})).wait();
  EXPECT_EQ(describe(request.error).status, 504);
  EXPECT_LE(request.call().attempts(), 3U);
  EXPECT_GE(request.call().attempts(), 2U);
}

TEST_F(CallTest, EndpointsThatLeaveFinishWhatTheyHave) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    peer.wait_for_close();
  });
  const auto app = upstream({&server});
  Request request(loop_, http::Method::get);
  request.start(app);
  request.run_until([&] { return request.answering(); });
  auto empty = std::make_shared<EndpointSet>(*set_);
  empty->entries.clear();
  app->update(empty);
  server.send_to_all("llo");
  request.wait();
  EXPECT_EQ(request.answer, "hello");
  server.wait_for_no_connections();
}

TEST_F(CallTest, CountsWhatItDid) {
  settings_.retries.statuses = {503};
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(http_answer(503, "busy"));
    peer.read_request();
    peer.send(http_answer(200, "hello"));
    peer.wait_for_close();
  });
  const auto app = upstream({&server});
  Request(loop_, http::Method::post, "12345").start(app).wait();
  Request(loop_, http::Method::get).start(app).wait();
  Request failed(loop_, http::Method::get);
  server.stop();
  failed.start(app).wait();
  const auto& cells = *registry_.worker(0).upstream("app");
  EXPECT_EQ(cells.responses.by_class[5].value(), 1U);
  EXPECT_EQ(cells.responses.by_class[2].value(), 1U);
  EXPECT_EQ(cells.responses.by_class[0].value(), 1U);
  EXPECT_EQ(cells.bytes_sent.value(), 5U);
  EXPECT_EQ(cells.bytes_received.value(), 9U);
  EXPECT_GE(cells.reuses.value(), 1U);
  EXPECT_EQ(cells.connects.value(), 1U);
  EXPECT_GE(cells.connect_failures.value(), 1U);
  EXPECT_EQ(cells.in_flight.value(), 0);
  EXPECT_EQ(cells.connections.value(), 0);
  EXPECT_EQ(cells.connections_idle.value(), 0);
  const auto endpoint = registry_.worker(0).endpoint("app", server.address());
  EXPECT_EQ(endpoint->responses.by_class[2].value(), 1U);
  EXPECT_EQ(endpoint->responses.by_class[5].value(), 1U);
  EXPECT_EQ(endpoint->ejections.value(), 1U);
  EXPECT_EQ(endpoint->in_flight.value(), 0);
}

class ProberTest : public CallTest {
 protected:
  bool probe(const ScriptedServer& server, Duration timeout = 5s, HttpProber* prober = nullptr) {
    upstream({&server});
    config::ActiveHealth settings;
    settings.path = "/ready?deep";
    settings.timeout = timeout;
    result_.reset();
    const auto probe = (prober != nullptr ? *prober : prober_)
                           .probe(*set_->entries[0].endpoint, settings,
                                  Callback<bool>::bind<&ProberTest::done>(this));
    EXPECT_FALSE(result_);
    for (int i = 0; i < 2000 && !result_; ++i) loop_.run_once(10ms);
    return result_.value();
  }
  void done(bool good) { result_ = good; }

  HttpProber prober_{loop_, {}};
  std::optional<bool> result_;
};

TEST_F(ProberTest, AsksOnANewConnectionEachTime) {
  std::string seen;
  ScriptedServer server([&seen](Peer& peer) {
    seen = peer.read_request().value_or("");
    peer.send(http_answer(200, "fine"));
    peer.wait_for_close();
  });
  EXPECT_TRUE(probe(server));
  EXPECT_TRUE(probe(server));
  server.wait_for_no_connections();
  EXPECT_EQ(server.connections(), 2);
  EXPECT_THAT(seen, ::testing::StartsWith("GET /ready?deep HTTP/1.1\r\n"));
  EXPECT_EQ(test::field_of(seen, "host"), server.address());
}

TEST_F(ProberTest, CallsBadWhatIsNoGoodAnswer) {
  ScriptedServer unready(always(http_answer(503, "starting")));
  EXPECT_FALSE(probe(unready));
  ScriptedServer silent([](Peer& peer) { peer.wait_for_close(); });
  EXPECT_FALSE(probe(silent, 50ms));
  ScriptedServer cut([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  });
  EXPECT_FALSE(probe(cut));
  ScriptedServer gone(always(""));
  gone.stop();
  EXPECT_FALSE(probe(gone));
}

TEST_F(ProberTest, FailsRatherThanAskInTheClear) {
  HttpProber prober(loop_, [](const std::string&) { return nullptr; });
  ScriptedServer server(always(http_answer(200, "fine")));
  settings_.tls.emplace();
  settings_.active_health.emplace();
  prober.configure({settings_});
  EXPECT_FALSE(probe(server, 5s, &prober));
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(ProberTest, FollowsNothing) {
  ScriptedServer redirects(always(http_answer(302, "", "Location: /x\r\n")));
  EXPECT_TRUE(probe(redirects));
}

}  // namespace
}  // namespace gateway::upstream
