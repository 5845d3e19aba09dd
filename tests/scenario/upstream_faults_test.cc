#include <gmock/gmock.h>

#include <cerrno>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/scripted_server.h"

/// What endpoints may do to us, and what a client sees of it.
namespace gateway::test::upstream_faults_test {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::HasSubstr;

/// One listener, one upstream `app` with these endpoints; `options` are further lines of it.
std::string config(const std::vector<std::string>& endpoints, std::string_view options = {}) {
  std::string list;
  for (const std::string& endpoint : endpoints) list += (list.empty() ? "" : ", ") + endpoint;
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'}\n"
         "upstreams:\n"
         "  - name: app\n"
         "    endpoints: [" +
         list + "]\n" + std::string(options) +
         "routes:\n"
         "  - {name: all, match: {path: /}, forward: app}\n";
}

ScriptedServer::Script silent() {
  return [](Peer& peer) { peer.wait_for_close(); };
}

/// Statuses of so many GETs on one kept connection.
std::vector<int> statuses_of(HttpClient& client, int count) {
  std::vector<int> statuses;
  for (int i = 0; i < count; ++i) statuses.push_back(client.fetch(get("/")).status);
  return statuses;
}

TEST(EndpointKilled, GetsGoOnWhileOthersLive) {
  ScriptedServer a(always(http_answer(200, "a")));
  ScriptedServer b(always(http_answer(200, "b")));
  ScriptedServer c(always(http_answer(200, "c")));
  Gateway gateway(config({a.address(), b.address(), c.address()}));
  HttpClient client(gateway.port());
  EXPECT_THAT(statuses_of(client, 30), Each(200));
  a.stop();
  EXPECT_THAT(statuses_of(client, 100), Each(200));
  a.start();
  EXPECT_THAT(statuses_of(client, 100), Each(200));
}

TEST(EndpointKilled, UnderLoadAndAgainAndAgainNoGetFails) {
  ScriptedServer a(always(http_answer(200, "a")));
  ScriptedServer b(always(http_answer(200, "b")));
  ScriptedServer c(always(http_answer(200, "c")));
  Gateway gateway(
      config({a.address(), b.address(), c.address()}, "    balancer: {type: round_robin}\n"));
  std::atomic<bool> stop{false};
  std::atomic<int> failed{0};
  std::atomic<int> done{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      HttpClient client(gateway.port());
      while (!stop) {
        if (client.fetch(get("/")).status != 200) ++failed;
        ++done;
      }
    });
  for (int round = 0; round < 10; ++round) {
    a.stop();
    for (const int before = done; done < before + 50;) std::this_thread::yield();
    a.start();
    for (const int before = done; done < before + 50;) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed, 0);
}

// Ten times a second it dies and comes back, while clients go on.
TEST(EndpointFlapping, FailsNoGetAndIsBackSoonAfter) {
  ScriptedServer flaps(always(http_answer(200, "flaps")));
  ScriptedServer b(always(http_answer(200, "b")));
  ScriptedServer c(always(http_answer(200, "c")));
  Gateway gateway(
      config({flaps.address(), b.address(), c.address()}, "    balancer: {type: round_robin}\n"));
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kFlips = 30;
  std::atomic<bool> over{false};
  std::thread flipper([&] {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable never;
    for (int i = 1; i <= kFlips; ++i) {
      never.wait_until(lock, begin + i * std::chrono::milliseconds(50));
      if (i % 2 == 1)
        flaps.stop();
      else
        flaps.start();
    }
    over = true;
  });
  std::vector<std::thread> clients;
  std::atomic<int> failed{0};
  for (int i = 0; i < 2; ++i)
    clients.emplace_back([&] {
      HttpClient client(gateway.port());
      while (!over)
        if (client.fetch(get("/")).status != 200) ++failed;
    });
  flipper.join();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed, 0);
  EXPECT_LE(gateway.endpoints("app")->entries[0].endpoint->ejections(), kFlips)
      << "once for each time that it went";
  HttpClient client(gateway.port());
  const auto back = std::chrono::steady_clock::now();
  while (client.fetch(get("/")).body != "flaps")
    ASSERT_LT(std::chrono::steady_clock::now() - back, std::chrono::seconds(10))
        << "it is tried every 250 ms";
}

TEST(EndpointKilled, PostsGoElsewhereWhenNothingWasSent) {
  ScriptedServer dead(always(http_answer(200, "dead")));
  ScriptedServer alive(always(http_answer(200, "alive")));
  Gateway gateway(config({dead.address(), alive.address()}, "    balancer: {type: round_robin}\n"));
  dead.stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fetch(gateway.port(), post("/", "x")).body, "alive");
}

TEST(EndpointKilled, PostsAreNeverSentAgainOnceSent) {
  std::atomic<int> received{0};
  const auto reads_and_dies = [&received](Peer& peer) {
    if (peer.read_request()) ++received;
    peer.reset_at_end();
  };
  ScriptedServer a(reads_and_dies);
  ScriptedServer b(reads_and_dies);
  Gateway gateway(config({a.address(), b.address()}));
  EXPECT_EQ(fetch(gateway.port(), post("/", "job")).status, 502);
  EXPECT_EQ(received, 1);
  EXPECT_EQ(fetch(gateway.port(), post("/", "")).status, 502);
  EXPECT_EQ(received, 2);
}

TEST(EndpointKilled, MidResponseTheClientSeesTheTruncation) {
  ScriptedServer with_length([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  ScriptedServer with_chunks([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  for (ScriptedServer* server : {&with_length, &with_chunks}) {
    Gateway gateway(config({server->address()}));
    const Reply reply = fetch(gateway.port(), get("/"));
    EXPECT_THAT(reply.status, AnyOf(200, 502));
    EXPECT_FALSE(reply.status == 200 && reply.complete);
    EXPECT_EQ(server->connections(), 1) << "a begun answer must not be fetched again";
  }
}

// Nothing but our closing shows such an answer's end, so an early one must not look the same.
TEST(EndpointKilled, MidResponseAnOldClientSeesAReset) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  });
  Gateway gateway(config({server.address()}));
  HttpClient client(gateway.port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  errno = 0;
  client.socket().read_to_end();
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(KeepAliveRace, GetsSurviveAServerThatClosesUnderThem) {
  // Each connection serves one request and dies on the second.
  for (const bool reset : {false, true}) {
    ScriptedServer server([reset](Peer& peer) {
      if (!peer.read_request()) return;
      peer.send(http_answer(200, "ok"));
      peer.read_request();
      if (reset) peer.reset_at_end();
    });
    Gateway gateway(config({server.address()}, "    retries: {budget: 1, budget_floor: 100}\n"));
    HttpClient client(gateway.port());
    EXPECT_THAT(statuses_of(client, 20), Each(200));
  }
}

// On a kept connection too, what may have been carried out is not sent a second time.
TEST(KeepAliveRace, APostThatWasSentIsNotSentAgain) {
  std::atomic<int> posts{0};
  ScriptedServer server([&posts](Peer& peer) {
    while (const auto request = peer.read_request()) {
      if (request->starts_with("POST")) {
        ++posts;
        return peer.reset_at_end();
      }
      peer.send(http_answer(200, "ok"));
    }
  });
  Gateway gateway(config({server.address()}));
  HttpClient client(gateway.port());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(client.fetch(get("/")).status, 200);
    EXPECT_EQ(client.fetch(post("/", "job")).status, 502);
    EXPECT_EQ(posts, i);
  }
}

TEST(KeepAliveRace, AConnectionThatTheServerHalfClosedIsNotUsedAgain) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(http_answer(200, "ok"));
    peer.socket().finish_sending();
    peer.wait_for_close();
  });
  Gateway gateway(config({server.address()}));
  HttpClient client(gateway.port());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.fetch(get("/")).status, 200);
    // Not before the gateway has noticed: else this would be the race of the test above.
    server.wait_for_no_connections();
  }
  EXPECT_EQ(client.fetch(post("/", "x")).status, 200);
}

TEST(KeepAliveRace, BytesAfterAnAnswerBelongToNobody) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(http_answer(200, "mine") + http_answer(200, "smuggled"));
    peer.wait_for_close();
  });
  Gateway gateway(config({server.address()}));
  HttpClient client(gateway.port());
  for (int i = 0; i < 5; ++i) EXPECT_NE(client.fetch(get("/")).body, "smuggled");
}

TEST(AllEndpointsDown, QuickAnswersThatSayWhenToComeBack) {
  ScriptedServer a(always(http_answer(200, "a")));
  ScriptedServer b(always(http_answer(200, "b")));
  Gateway gateway(config({a.address(), b.address()}));
  a.stop();
  b.stop();
  HttpClient client(gateway.port());
  for (int i = 0; i < 20; ++i) {
    const Reply reply = client.fetch(get("/"));
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.field("retry-after"), "1");
  }
  b.start();
  const auto started = std::chrono::steady_clock::now();
  while (client.fetch(get("/")).status != 200) {
    ASSERT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
    std::this_thread::yield();
  }
}

TEST(AllEndpointsDown, AnUpstreamWithoutEndpointsIs503) {
  Gateway gateway(config({"nowhere.invalid:80"}));
  EXPECT_EQ(fetch(gateway.port(), get("/")).status, 503);
}

TEST(Silence, EndsAtTheDeadlineAndInAnEjection) {
  ScriptedServer server(silent());
  Gateway gateway(config({server.address()},
                         "    timeouts: {request: 200ms}\n"
                         "    passive_health: {consecutive_failures: 2}\n"));
  for (int i = 0; i < 2; ++i) {
    const Reply reply = fetch(gateway.port(), get("/"));
    EXPECT_EQ(reply.status, 504);
    EXPECT_GE(reply.elapsed, std::chrono::milliseconds(200));
  }
  EXPECT_EQ(gateway.endpoints("app")->entries[0].endpoint->ejections(), 1U);
}

// The upload is stopped by us, since nobody takes it: the client is not the one who is waited for.
TEST(Silence, OfAnEndpointThatTakesPartOfAnUploadEndsAtTheDeadline) {
  std::promise<void> over;
  const std::shared_future<void> answered = over.get_future();
  ScriptedServer freezes([answered](Peer& peer) {
    peer.socket().read_until("\r\n\r\n");
    answered.wait();
  });
  Gateway gateway(config({freezes.address()},
                         "    timeouts: {request: 300ms}\n"
                         "    passive_health: {consecutive_failures: 1}\n"));
  HttpClient client(gateway.port());
  const std::string upload = post("/", std::string(32U << 20, 'x'));  // more than kernels hold
  std::thread sender([&] { client.send(upload); });
  EXPECT_EQ(client.read_reply().status, 504);
  over.set_value();
  client.socket().read_to_end();
  sender.join();
  EXPECT_EQ(gateway.endpoints("app")->entries[0].endpoint->ejections(), 1U);
}

TEST(Silence, PerTryDeadlinesSendGetsElsewhere) {
  ScriptedServer hangs(silent());
  ScriptedServer works(always(http_answer(200, "works")));
  Gateway gateway(config({hangs.address(), works.address()},
                         "    balancer: {type: round_robin}\n"
                         "    timeouts: {per_try: 100ms}\n"));
  HttpClient client(gateway.port());
  EXPECT_THAT(statuses_of(client, 6), Each(200));
}

TEST(Silence, OfAllEndpointsIsATimeoutWithinTheRetries) {
  ScriptedServer a(silent());
  ScriptedServer b(silent());
  Gateway gateway(config({a.address(), b.address()},
                         "    timeouts: {per_try: 100ms}\n    retries: {attempts: 1}\n"));
  const Reply reply = fetch(gateway.port(), get("/"));
  EXPECT_EQ(reply.status, 504);
  EXPECT_GE(reply.elapsed, std::chrono::milliseconds(200));
  EXPECT_EQ(a.connections() + b.connections(), 2);
  EXPECT_EQ(fetch(gateway.port(), post("/", "job")).status, 504);
  EXPECT_EQ(a.connections() + b.connections(), 3) << "a POST is tried once";
}

/// A port on which connections are neither taken nor refused: its queue is full.
class FullQueue {
 public:
  FullQueue() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Socket::loopback(0);
    socklen_t length = sizeof address;
    if (::bind(listening_.fd(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listening_.fd(), 0) != 0)
      throw std::runtime_error("cannot listen");
    ::getsockname(listening_.fd(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    // Linux queues one more than was asked for.
    waiting_ = Socket::connect(port_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  Socket listening_;
  Socket waiting_;
  std::uint16_t port_ = 0;
};

TEST(Connecting, HasABoundAndThenIsTriedElsewhere) {
  FullQueue full;
  {
    Gateway gateway(config({full.address()}, "    timeouts: {connect: 100ms}\n"));
    const Reply reply = fetch(gateway.port(), get("/"));
    EXPECT_EQ(reply.status, 504);
    EXPECT_THAT(reply.body, HasSubstr("could not be reached in time"));
    EXPECT_GE(reply.elapsed, std::chrono::milliseconds(100));
  }
  ScriptedServer works(always(http_answer(200, "works")));
  Gateway gateway(config({full.address(), works.address()},
                         "    balancer: {type: round_robin}\n"
                         "    timeouts: {connect: 100ms}\n"));
  HttpClient client(gateway.port());
  EXPECT_THAT(statuses_of(client, 6), Each(200));
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(client.fetch(post("/", "job")).body, "works") << "nothing was sent to the other";
}

TEST(Silence, InsideABodyIsATruncation) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun");
    peer.wait_for_close();
  });
  Gateway gateway(config({server.address()}, "    timeouts: {idle: 200ms}\n"));
  const Reply reply = fetch(gateway.port(), get("/"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.complete);
}

TEST(BadAnswers, EndlessHeadersAreCutOff) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    const std::string field = "X-More: " + std::string(1000, 'x') + "\r\n";
    while (peer.send(field)) {
    }
  });
  Gateway gateway(config({server.address()}, "    retries: {attempts: 0}\n"));
  EXPECT_EQ(fetch(gateway.port(), get("/")).status, 502);
}

TEST(BadAnswers, SlowHeadersMeetTheDeadline) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Le");
    peer.wait_for_close();
  });
  Gateway gateway(config({server.address()}, "    timeouts: {request: 200ms}\n"));
  EXPECT_EQ(fetch(gateway.port(), get("/")).status, 504);
}

TEST(BadAnswers, NonsenseIs502) {
  for (const char* nonsense :
       {"hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    ScriptedServer server([nonsense](Peer& peer) {
      peer.read_request();
      peer.send(nonsense);
      peer.wait_for_close();
    });
    Gateway gateway(config({server.address()}));
    EXPECT_EQ(fetch(gateway.port(), get("/")).status, 502) << nonsense;
  }
}

TEST(RetryStorm, RetriesStayWithinTheBudget) {
  std::atomic<int> attempts{0};
  const auto counts = [&attempts](Peer& peer) {
    while (peer.read_request()) {
      ++attempts;
      if (!peer.send(http_answer(503, "busy"))) return;
    }
  };
  ScriptedServer c(counts);
  ScriptedServer d(counts);
  Gateway gateway(
      config({c.address(), d.address()},
             "    retries: {attempts: 3, budget: 0.2, budget_floor: 0, statuses: [503]}\n"));
  HttpClient client(gateway.port());
  EXPECT_THAT(statuses_of(client, 200), Each(503));
  EXPECT_GT(attempts, 200);
  EXPECT_LE(attempts, 240);
}

TEST(Limits, MoreThanMayWaitAreTurnedAwayAtOnce) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  ScriptedServer server([released](Peer& peer) {
    while (peer.read_request()) {
      released.wait();
      if (!peer.send(http_answer(200, "ok"))) return;
    }
  });
  Gateway gateway(config({server.address()}, "    limits: {requests: 1, waiting: 1}\n"));
  HttpClient served(gateway.port());
  served.send(get("/"));
  while (gateway.endpoints("app")->load->requests.taken() == 0) std::this_thread::yield();
  HttpClient waits(gateway.port());
  waits.send(get("/"));
  while (gateway.endpoints("app")->load->waiting.taken() == 0) std::this_thread::yield();
  EXPECT_EQ(fetch(gateway.port(), get("/")).status, 503);
  release.set_value();
  EXPECT_EQ(served.read_reply().status, 200);
  EXPECT_EQ(waits.read_reply().status, 200);
}

}  // namespace
}  // namespace gateway::test::upstream_faults_test
