#include <gmock/gmock.h>
#include <poll.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// What the gateway cleans, bounds and survives on behalf of the services behind it.
namespace gateway::test::hardening_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// One listener (`listener` are further options of it), one upstream, one route for everything.
std::string config(const std::string& endpoint, const std::string& listener = "",
                   const std::string& route = "") {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'" +
         listener +
         "}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         endpoint +
         "]}\n"
         "routes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app" +
         route + "}\n";
}

/// What reaches the upstream when a client sends `wire`.
std::string seen_upstream(const std::string& wire, const std::string& listener = "",
                          const std::string& route = "") {
  Recorder app;
  Gateway gateway(config(app.address(), listener, route));
  return fetch(gateway.port(), wire).body;
}

/// Requests that autoscaling has seen so far.
std::uint64_t arrivals(Gateway& gateway) {
  std::uint64_t count = 0;
  gateway.registry().routes.for_each([&](auto, auto, const RouteCells& cells) {
    RateHistory history{};
    // The running second counts as well.
    cells.arrivals.read_into(history, gateway.registry().now() + std::chrono::seconds(1));
    for (const std::uint64_t in_a_second : history) count += in_a_second;
  });
  return count;
}

TEST(Path, OneCanonicalFormIsForwarded) {
  EXPECT_THAT(seen_upstream(get("/a/./b/../%63//d?x=%2e%2e")), StartsWith("GET /a/c/d?x=%2e%2e "));
  EXPECT_THAT(seen_upstream(get("/a//b"), ", http: {merge_slashes: false}"),
              StartsWith("GET /a//b "));
}

// The path that decides is the path that is forwarded, whatever it was written like.
TEST(Path, TheSameFormIsRoutedAndForwarded) {
  Recorder app;
  Gateway gateway(
      "version: 1\n"
      "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "upstreams:\n  - {name: app, endpoints: [" +
      app.address() +
      "]}\n"
      "routes:\n"
      "  - {name: all, match: {path_prefix: /}, forward: app}\n"
      "  - {name: closed, match: {path_prefix: /closed}, respond: {status: 403}}\n");
  for (const char* path :
       {"/closed/x", "/%63losed/x", "/a/../closed/x", "/a/%2e%2e/closed", "//closed", "/./closed"})
    EXPECT_EQ(fetch(gateway.port(), get(path)).status, 403) << path;
  EXPECT_THAT(app.heads(), IsEmpty());
}

TEST(Host, TheAbsoluteFormOverridesIt) {
  const std::string seen = seen_upstream("GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(seen, StartsWith("GET /x HTTP/1.1\r\n"));
  EXPECT_EQ(field_of(seen, "host"), "b.example");
}

TEST(Host, PassesUnchanged) {
  EXPECT_EQ(field_of(seen_upstream(get("/", "Shop.Example:8443")), "host"), "Shop.Example:8443");
}

// The upstream comes from configuration alone: naming another server in the target leads nowhere.
TEST(Host, TheTargetDoesNotChooseTheUpstream) {
  Recorder other;
  const std::string wire =
      "GET http://" + other.address() + "/ HTTP/1.1\r\nHost: " + other.address() + "\r\n\r\n";
  EXPECT_THAT(seen_upstream(wire), StartsWith("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(other.connections(), 0);
}

TEST(Forwarding, WhatAnUntrustedClientSaysIsOverwritten) {
  const std::string seen = seen_upstream(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n\r\n");
  EXPECT_THAT(seen, Not(HasSubstr("1.2.3.4")));
  EXPECT_THAT(seen, Not(HasSubstr("evil")));
  EXPECT_EQ(field_of(seen, "x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(field_of(seen, "x-forwarded-proto"), "http");
}

TEST(Forwarding, WhatTheConfigurationSaysStays) {
  const std::string seen = seen_upstream(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /evil\r\n\r\n", {},
      ", filters: [{type: header_edits, request: {set: {X-Forwarded-Prefix: /shop}}}]");
  EXPECT_EQ(field_of(seen, "x-forwarded-prefix"), "/shop");
  EXPECT_THAT(seen, Not(HasSubstr("evil")));
}

TEST(Forwarding, ATrustedClientIsBelieved) {
  const std::string seen =
      seen_upstream("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
                    ", trusted_proxies: [127.0.0.0/8]");
  EXPECT_EQ(field_of(seen, "x-forwarded-for"), "1.2.3.4, 127.0.0.1");
}

TEST(Forwarding, HopByHopFieldsEndHere) {
  const std::string seen = seen_upstream(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, Keep-Alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
      "Proxy-Connection: keep-alive\r\nTE: trailers\r\nUpgrade: h2c\r\nX-Stays: 1\r\n\r\n");
  for (const char* gone : {"X-Hop", "Keep-Alive", "Proxy-Connection", "TE:", "Upgrade", "h2c"})
    EXPECT_THAT(seen, Not(HasSubstr(gone)));
  EXPECT_THAT(seen, HasSubstr("X-Stays: 1\r\n"));
}

// CVE-2024-45410.
TEST(Forwarding, ConnectionCannotTakeAwayWhatProtects) {
  const std::string seen = seen_upstream(
      "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: mytoken\r\n"
      "Connection: Host, Authorization, X-Forwarded-For, X-Forwarded-Proto\r\n\r\n");
  EXPECT_EQ(field_of(seen, "authorization"), "mytoken");
  EXPECT_EQ(field_of(seen, "x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(field_of(seen, "host"), "a");
}

TEST(Forwarding, NamesWithUnderscoresAreDroppedRefusedOrAllowed) {
  const std::string wire = "GET / HTTP/1.1\r\nHost: a\r\nX_User: root\r\n\r\n";
  EXPECT_THAT(seen_upstream(wire), Not(HasSubstr("X_User")));
  EXPECT_THAT(seen_upstream(wire, ", http: {underscores: allow}"), HasSubstr("X_User: root"));
  Recorder app;
  Gateway counts(config(app.address()));
  EXPECT_EQ(fetch(counts.port(), wire).status, 200);
  fetch(counts.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // counted before the next turn
  ProcessCells total;
  counts.registry().read_process(total);
  EXPECT_EQ(total.underscore_headers.value(), 1U);
  Gateway gateway(config(app.address(), ", http: {underscores: refuse}"));
  EXPECT_EQ(fetch(gateway.port(), wire).status, 400);
  EXPECT_THAT(app.heads(), SizeIs(2)) << "those that were let pass above";
}

TEST(Forwarding, ChunkedBodiesAreEncodedAnewWithoutExtensions) {
  const std::string seen = seen_upstream(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;secret=1\r\nabcd\r\n0;z\r\n\r\n");
  EXPECT_TRUE(seen.ends_with("\r\n\r\nabcd"));
  EXPECT_THAT(seen, Not(HasSubstr("secret")));
}

TEST(Forwarding, ABodylessPostSaysLengthZero) {
  EXPECT_EQ(field_of(seen_upstream("POST / HTTP/1.0\r\n\r\n"), "content-length"), "0");
}

TEST(Trailers, FramingHostAndAuthorizationDoNotPass) {
  std::string trailers;
  ScriptedServer app([&trailers](Peer& peer) {
    peer.socket().read_until("0\r\n");
    while (const auto line = peer.socket().read_until("\r\n")) {
      if (*line == "\r\n") break;
      trailers += *line;
    }
    peer.send(http_answer(200, "ok"));
  });
  {
    Gateway gateway(config(app.address()));
    EXPECT_EQ(
        fetch(gateway.port(),
              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
              "X-Sum: 1\r\nContent-Length: 9\r\nHost: evil\r\nAuthorization: evil\r\n\r\n")
            .status,
        200);
  }
  app.stop();
  EXPECT_EQ(trailers, "X-Sum: 1\r\n");
}

TEST(Trailers, CannotForgeTheUsersName) {
  ScriptedServer auth(always(http_answer(200, "density")));
  std::string trailers;
  ScriptedServer app([&trailers](Peer& peer) {
    peer.socket().read_until("0\r\n");
    while (const auto line = peer.socket().read_until("\r\n")) {
      if (*line == "\r\n") break;
      trailers += *line;
    }
    peer.send(http_answer(200, "ok"));
  });
  {
    Gateway gateway(
        "version: 1\n"
        "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
        "upstreams:\n"
        "  - {name: app, endpoints: [" +
        app.address() +
        "]}\n"
        "  - {name: auth, private: true, endpoints: [" +
        auth.address() +
        "]}\n"
        "routes:\n"
        "  - name: jobs\n"
        "    match: {path: /jobs}\n"
        "    filters: [{type: token, upstream: auth, user_header: X-Auth-User}]\n"
        "    forward: app\n"
        "  - {name: open, match: {path: /open}, forward: app}\n");
    EXPECT_EQ(fetch(gateway.port(),
                    "POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
                    "0\r\nX-Auth-User: root\r\nx-auth-user: root\r\nX-Sum: 1\r\n\r\n")
                  .status,
              200);
  }
  app.stop();
  EXPECT_EQ(trailers, "X-Sum: 1\r\n");
}

// RFC 9110 §6.5.1: who has not said that it takes them gets none.
TEST(Trailers, OfAnAnswerPassToThoseWhoTakeThem) {
  ScriptedServer app([](Peer& peer) {
    while (peer.read_request())
      if (!peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"))
        return;
  });
  Gateway gateway(config(app.address()));
  for (const bool takes : {true, false}) {
    HttpClient client(gateway.port());
    const std::string te = takes ? "TE: trailers\r\n" : "";
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + te + "\r\n");
    const std::string answer = client.socket().read_to_end();
    EXPECT_EQ(answer.find("X-Sum: 1") != std::string::npos, takes) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  }
}

TEST(Bodies, ALimitIsKeptForLengthsAndForStreams) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {max_body: 10}"));
  EXPECT_EQ(fetch(gateway.port(), post("/", "0123456789")).status, 200);
  EXPECT_EQ(fetch(gateway.port(), post("/", "0123456789a")).status, 413);
  EXPECT_EQ(fetch(gateway.port(),
                  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n")
                .status,
            413);
  EXPECT_THAT(app.requests(), SizeIs(1));
}

// Autoscaling must not take what was refused for load.
TEST(Bodies, TooLargeOnesAreNoArrivals) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {max_body: 10}"));
  const auto chunked = [&gateway](const std::string& chunk) {
    return fetch(gateway.port(),
                 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk +
                     "0\r\n\r\n")
        .status;
  };
  EXPECT_EQ(chunked("4\r\nbody\r\n"), 200);
  EXPECT_EQ(arrivals(gateway), 1U);
  EXPECT_EQ(chunked("8\r\n01234567\r\n8\r\n01234567\r\n"), 413);
  EXPECT_EQ(fetch(gateway.port(), post("/", "0123456789a")).status, 413);
  EXPECT_EQ(arrivals(gateway), 1U);
}

// An upstream that answers before it has read the body: the client gets the answer, and neither the
// rest of the body nor that connection is mistaken for a request (CVE-2025-4366).
TEST(Bodies, AnEarlyAnswerLeavesNoConnectionInDisorder) {
  ScriptedServer app([](Peer& peer) {
    while (const auto head = peer.socket().read_until("\r\n\r\n")) {
      const bool early = head->starts_with("POST");
      peer.send(http_answer(early ? 403 : 200, "answer"));
      if (early) return peer.wait_for_close();
    }
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart of it");
  EXPECT_EQ(client.read_reply().status, 403);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fetch(gateway.port(), get("/")).status, 200);
  EXPECT_GE(app.connections(), 2);
}

// A body that nobody asked for is skipped, never read as the next request.
TEST(Bodies, UnreadOnesAreSkipped) {
  Gateway gateway(
      "version: 1\n"
      "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "routes:\n"
      "  - {name: all, match: {path_prefix: /}, respond: {status: 403, body: no}}\n"
      "  - {name: secret, match: {path: /secret}, respond: {status: 200, body: secret}}\n");
  HttpClient client(gateway.port());
  client.send(post("/", get("/secret")) + get("/last"));
  EXPECT_EQ(client.read_reply().status, 403);
  EXPECT_EQ(client.read_reply().status, 403);
  HttpClient waits(gateway.port());
  waits.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n");
  EXPECT_EQ(waits.read_reply().field("connection"), "close");
  EXPECT_EQ(waits.socket().read_to_end(), "");
}

TEST(Bodies, ContinueIsSaidWhenTheBodyIsWanted) {
  Recorder app;
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.socket().read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.body.ends_with("body"));
}

TEST(Slowness, AHeadThatNeverEndsIsGivenUp) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {header_timeout: 200ms}"));
  HttpClient drips(gateway.port());
  drips.send("GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
  HttpClient good(gateway.port());
  EXPECT_EQ(good.fetch(get("/")).status, 200);
  const Reply reply = drips.read_reply();
  EXPECT_EQ(reply.status, 408);
  EXPECT_GE(reply.elapsed, std::chrono::milliseconds(190));
  EXPECT_THAT(app.heads(), SizeIs(1));
}

TEST(Slowness, DrippingDoesNotProlongTheHead) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {header_timeout: 300ms}"));
  HttpClient drips(gateway.port());
  const auto begin = std::chrono::steady_clock::now();
  drips.send("GET / HTTP/1.1\r\n");
  // Until the gateway has had enough: it answers, and later bytes meet a closed connection.
  pollfd readable{drips.socket().fd(), POLLIN, 0};
  while (::poll(&readable, 1, 20) == 0) drips.socket().send("X");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(290));
  EXPECT_THAT(app.heads(), IsEmpty());
}

TEST(Slowness, AnIdleConnectionIsClosedWithoutAnAnswer) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {idle_timeout: 200ms}"));
  HttpClient idle(gateway.port());
  EXPECT_EQ(idle.fetch(get("/")).status, 200);
  EXPECT_EQ(idle.socket().read_to_end(), "");
}

TEST(Slowness, AClientThatStopsReadingIsGivenUp) {
  ScriptedServer app([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
    while (peer.send(chunk)) {
    }
  });
  Gateway gateway(config(app.address(), ", http: {write_stall_timeout: 300ms}"));
  HttpClient client(gateway.port());
  client.send(get("/"));
  // It must begin, or there would be nothing to wait for.
  ASSERT_TRUE(client.socket().fill());
  app.wait_for_no_connections();
}

// Five seconds are given before the rate is judged, so this test takes that long.
TEST(Slowness, ABodyBelowTheLeastRateIsGivenUp) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {min_body_rate: 1000}"));
  HttpClient drips(gateway.port());
  drips.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  pollfd readable{drips.socket().fd(), POLLIN, 0};
  while (::poll(&readable, 1, 100) == 0) drips.socket().send("x");
  EXPECT_EQ(drips.read_reply().status, 408);
  EXPECT_THAT(app.requests(), IsEmpty());
}

// What an upstream answers is judged as strictly as what a client asks.
TEST(Answers, ThatCouldSplitOrSmuggleAre502) {
  for (const std::string& fields : {std::string("Location: /a\nSet-Cookie: evil"),
                                    std::string("X-A: b\0c", 8), std::string("X-A: b\r\n folded"),
                                    std::string("Content-Length: 1\r\nTransfer-Encoding: chunked"),
                                    std::string("Transfer-Encoding: gzip")}) {
    ScriptedServer app([fields](Peer& peer) {
      peer.read_request();
      peer.send("HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n");
      peer.wait_for_close();
    });
    Gateway gateway(config(app.address()));
    EXPECT_EQ(fetch(gateway.port(), get("/")).status, 502) << fields;
  }
}

TEST(Answers, ARedirectIsNotSplitByThePath) {
  Recorder app;
  Gateway gateway(
      "version: 1\n"
      "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "routes:\n  - {name: moved, match: {path_prefix: /}, redirect: {scheme: https}}\n");
  const Reply reply = fetch(gateway.port(), get("/a%0d%0aSet-Cookie:%20x=y?b=%0d%0aX:%20y"));
  EXPECT_EQ(reply.status, 308);
  EXPECT_EQ(reply.field("set-cookie"), "");
  EXPECT_THAT(reply.field("location"), HasSubstr("%0d%0a"));
}

TEST(Answers, ARewriteIsNotSplitByThePath) {
  Recorder app;
  Gateway gateway(
      "version: 1\n"
      "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "upstreams:\n  - {name: app, endpoints: [" +
      app.address() +
      "]}\n"
      "routes:\n"
      "  - name: moved\n"
      "    match: {path_regex: '/old/(.*)'}\n"
      "    rewrite: {regex_substitution: '/new/\\1'}\n"
      "    forward: app\n");
  fetch(gateway.port(), get("/old/a%0d%0aX-Evil:%20y?b=%0d%0aX-Evil:%20y"));
  for (const std::string& head : app.heads()) EXPECT_EQ(field_of(head, "x-evil"), "");
  EXPECT_EQ(fetch(gateway.port(), get("/old/a")).status, 200);
}

TEST(Public, NoPathIsBuiltIn) {
  Recorder app;
  Gateway gateway(
      "version: 1\n"
      "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "upstreams:\n  - {name: app, endpoints: [" +
      app.address() +
      "]}\n"
      "routes:\n  - {name: hello, match: {path: /hello}, forward: app}\n");
  for (const char* path : {"/metrics", "/healthz", "/readyz", "/config", "/reload", "/"})
    EXPECT_EQ(fetch(gateway.port(), get(path)).status, 404) << path;
  EXPECT_THAT(app.heads(), IsEmpty());
}

/// A token service that knows `mytoken`, and an application behind it.
struct TokenHouse {
  std::atomic<int> asked{0};
  Recorder app;
  ScriptedServer auth{[this](Peer& peer) {
    while (const auto request = peer.read_request()) {
      ++asked;
      const bool known = request->ends_with("token=mytoken");
      if (!peer.send(known ? http_answer(200, "density") : http_answer(401, "fail"))) return;
    }
  }};
  std::string yaml() const {
    return "version: 1\n"
           "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
           "upstreams:\n"
           "  - {name: app, endpoints: [" +
           app.address() +
           "]}\n"
           "  - {name: auth, private: true, endpoints: [" +
           auth.address() +
           "]}\n"
           "routes:\n"
           "  - name: jobs\n"
           "    match: {path: /jobs}\n"
           "    filters: [{type: token, upstream: auth, user_header: X-Auth-User}]\n"
           "    forward: app\n"
           "  - {name: open, match: {path: /open}, forward: app}\n";
  }
};

std::string with_token(std::string_view path, const std::string& fields) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(Tokens, GoodOnesPassBareAndAsBearer) {
  TokenHouse house;
  Gateway gateway(house.yaml());
  for (const char* field : {"Authorization: mytoken\r\n", "Authorization: Bearer mytoken\r\n"}) {
    const Reply reply = fetch(gateway.port(), with_token("/jobs", field));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(field_of(reply.body, "x-auth-user"), "density");
  }
  EXPECT_EQ(house.asked, 1) << "the verdict is remembered";
}

TEST(Tokens, WithoutAGoodOneNothingReachesTheApplication) {
  TokenHouse house;
  Gateway gateway(house.yaml());
  for (const char* fields :
       {"", "Authorization: wrong\r\n", "Authorization: Bearer\r\n", "Authorization:\r\n",
        "Authorization: wrong\r\nX-Auth-User: density\r\n",
        "Authorization: Basic bXl0b2tlbg==\r\n"}) {
    const Reply reply = fetch(gateway.port(), with_token("/jobs", fields));
    EXPECT_EQ(reply.status, 401) << fields;
    EXPECT_THAT(reply.field("www-authenticate"), StartsWith("Bearer")) << fields;
  }
  EXPECT_THAT(house.app.heads(), IsEmpty());
}

TEST(Tokens, TheUsersNameCannotBeForgedOnAnyRoute) {
  TokenHouse house;
  Gateway gateway(house.yaml());
  const std::string forged = "X-Auth-User: root\r\nx-auth-user: admin\r\nX_Auth_User: root\r\n";
  const Reply open = fetch(gateway.port(), with_token("/open", forged));
  EXPECT_EQ(open.status, 200);
  EXPECT_EQ(field_of(open.body, "x-auth-user"), "");
  const Reply jobs =
      fetch(gateway.port(), with_token("/jobs", "Authorization: mytoken\r\n" + forged));
  EXPECT_EQ(field_of(jobs.body, "x-auth-user"), "density");
  EXPECT_THAT(jobs.body, Not(HasSubstr("root")));
  EXPECT_THAT(jobs.body, Not(HasSubstr("admin")));
}

// CVE-2024-45410 again: what Connection names is the client's own, never what the gateway adds.
TEST(Tokens, ConnectionCannotTakeTheUsersNameAway) {
  TokenHouse house;
  Gateway gateway(house.yaml());
  const Reply reply = fetch(gateway.port(), with_token("/jobs",
                                                       "Authorization: mytoken\r\n"
                                                       "Connection: X-Auth-User\r\n"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-auth-user"), "density");
}

TEST(Tokens, WithoutAVerdictTheDoorStaysClosed) {
  TokenHouse house;
  Gateway gateway(house.yaml());
  house.auth.stop();
  const Reply reply = fetch(gateway.port(), with_token("/jobs", "Authorization: mytoken\r\n"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(house.app.heads(), IsEmpty());
}

// A name that no header can hold is no verdict: the door stays closed, nothing is split.
TEST(Tokens, AUsersNameThatWouldSplitTheRequestIsNone) {
  for (const std::string& name :
       {std::string("density\r\nX-Evil: 1"), std::string("a\nX-Evil: 1"), std::string("a\0b", 3)}) {
    Recorder app;
    ScriptedServer auth(always(http_answer(200, name)));
    Gateway gateway(
        "version: 1\n"
        "listeners:\n  - {name: http, address: '127.0.0.1:0'}\n"
        "upstreams:\n"
        "  - {name: app, endpoints: [" +
        app.address() +
        "]}\n"
        "  - {name: auth, private: true, endpoints: [" +
        auth.address() +
        "]}\n"
        "routes:\n"
        "  - name: jobs\n"
        "    match: {path: /jobs}\n"
        "    filters: [{type: token, upstream: auth}]\n"
        "    forward: app\n");
    EXPECT_EQ(fetch(gateway.port(), with_token("/jobs", "Authorization: mytoken\r\n")).status, 503);
    EXPECT_THAT(app.heads(), IsEmpty());
  }
}

TEST(Tokens, TheTokenServiceIsNoRoutesBusiness) {
  TokenHouse house;
  std::string yaml = house.yaml();
  yaml += "  - {name: back-door, match: {path: /auth}, forward: auth}\n";
  EXPECT_ANY_THROW(Gateway{yaml});
  Gateway gateway(house.yaml());
  EXPECT_EQ(fetch(gateway.port(), post("/auth", "token=mytoken")).status, 404);
  EXPECT_EQ(house.asked, 0);
}

}  // namespace
}  // namespace gateway::test::hardening_test
