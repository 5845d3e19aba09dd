#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// The forms that a request and its answer may take, end to end.
namespace gateway::test::exchange_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string config(const std::string& endpoint, const std::string& listener = "") {
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
         "  - {name: app, match: {path_prefix: /app}, forward: app}\n"
         "  - {name: fixed, match: {path: /fixed}, respond: {status: 200, body: fixed}}\n";
}

std::string chunked_answer(const std::string& fields, const std::string& trailers = {}) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n" +
         trailers + "\r\n";
}

TEST(Head, HasTheLengthOfGetAndNoBody) {
  ScriptedServer app([](Peer& peer) {
    while (const auto request = peer.read_request())
      if (!peer.send(request->starts_with("HEAD ") ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
                                                   : http_answer(200, "body")))
        return;
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  for (const char* path : {"/app", "/fixed"}) {
    const std::string head = "HEAD " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    const Reply reply = client.fetch(head);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("content-length"), path == std::string("/app") ? "4" : "5");
  }
  EXPECT_EQ(client.fetch(get("/app")).body, "body") << "the connections are in order";
  EXPECT_EQ(client.fetch("HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
  EXPECT_EQ(client.fetch(get("/fixed")).body, "fixed");
  EXPECT_EQ(app.connections(), 1);
}

TEST(Bodiless, StatusesEndWithTheirHead) {
  for (const int status : {204, 304}) {
    ScriptedServer app(
        always("HTTP/1.1 " + std::to_string(status) + " Text\r\nETag: \"1\"\r\n\r\n"));
    Gateway gateway(config(app.address()));
    HttpClient client(gateway.port());
    for (int i = 0; i < 2; ++i) {
      const Reply reply = client.fetch(get("/app"));
      EXPECT_EQ(reply.status, status);
      EXPECT_EQ(reply.field("transfer-encoding"), "");
    }
    EXPECT_EQ(client.fetch(get("/fixed")).body, "fixed");
  }
}

TEST(UntilClose, ABodyWithoutLengthEndsWhereTheUpstreamCloses) {
  ScriptedServer app([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nto the end");
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  for (int i = 0; i < 2; ++i) {
    const Reply reply = client.fetch(get("/app"));
    EXPECT_EQ(reply.body, "to the end");
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.field("transfer-encoding"), "chunked") << "this connection goes on";
  }
}

// What precedes an answer reaches the client, but for 100, which the gateway itself says.
TEST(Informational, EarlyHintsPass) {
  ScriptedServer app(
      always("HTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\n"
             "X-Hop: 1\r\n\r\n" +
             http_answer(200, "ok")));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  for (int i = 0; i < 2; ++i) {
    client.send(get("/app"));
    const auto hints = client.socket().read_until("\r\n\r\n");
    ASSERT_TRUE(hints);
    EXPECT_THAT(*hints, StartsWith("HTTP/1.1 103 "));
    EXPECT_THAT(*hints, HasSubstr("Link: </a.css>\r\n"));
    EXPECT_THAT(*hints, Not(HasSubstr("X-Hop")));
    EXPECT_EQ(client.read_reply().body, "ok");
  }
  client.send("GET /app HTTP/1.0\r\n\r\n");
  const auto old = client.socket().read_until("\r\n\r\n");
  ASSERT_TRUE(old);
  EXPECT_THAT(*old, HasSubstr(" 200 ")) << "HTTP/1.0 knows no 1xx (RFC 9110 §15.2)";
}

TEST(Trailers, OfAnAnswerPassUnlessTheyAreOurs) {
  ScriptedServer app(always(chunked_answer(
      "Trailer: X-Sum\r\n", "X-Sum: 1\r\nConnection: close\r\nContent-Length: 9\r\n")));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send("GET /app HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
  ASSERT_TRUE(client.socket().read_until("\r\n0\r\n"));
  const auto trailers = client.socket().read_until("\r\n\r\n");
  EXPECT_EQ(trailers, "X-Sum: 1\r\n\r\n");
  EXPECT_EQ(client.fetch(get("/fixed")).body, "fixed");
}

TEST(Http10, KeepsAConnectionOnRequestAlone) {
  Recorder app;
  Gateway gateway(config(app.address()));
  HttpClient kept(gateway.port());
  for (int i = 0; i < 2; ++i) {
    const Reply reply = kept.fetch("GET /app HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("connection"), "keep-alive");
  }
  HttpClient closed(gateway.port());
  EXPECT_EQ(closed.fetch("GET /app HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(closed.socket().read_to_end(), "");
}

TEST(Http10, GetsNoChunks) {
  ScriptedServer app(always(chunked_answer("")));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  const Reply reply = client.fetch("GET /app HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(reply.field("transfer-encoding"), "");
  EXPECT_EQ(reply.body, "body") << "up to the end of the connection";
}

TEST(Pipelining, AnswersComeInOrderUntilOneCloses) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {max_body: 10}"));
  HttpClient client(gateway.port());
  client.send(get("/app/1") + get("/none") + post("/app/2", "body") + get("/fixed") +
              post("/none", "skipped") + get("/app/3") + "GET /app/4 HTTP/1.1\r\nBad Field: 1\r\n" +
              "Host: a\r\n\r\n" + get("/app/5"));
  EXPECT_THAT(client.read_reply().body, StartsWith("GET /app/1 "));
  EXPECT_EQ(client.read_reply().status, 404);
  EXPECT_THAT(client.read_reply().body, StartsWith("POST /app/2 "));
  EXPECT_EQ(client.read_reply().body, "fixed");
  EXPECT_EQ(client.read_reply().status, 404);
  EXPECT_THAT(client.read_reply().body, StartsWith("GET /app/3 "));
  const Reply bad = client.read_reply();
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.field("connection"), "close");
  EXPECT_EQ(client.socket().read_to_end(), "") << "nothing after the refusal";
  EXPECT_EQ(app.requests().size(), 3U);
}

TEST(Pipelining, ABodyThatIsTooLargeEndsTheConnection) {
  Recorder app;
  Gateway gateway(config(app.address(), ", http: {max_body: 10}"));
  HttpClient client(gateway.port());
  client.send(get("/fixed") + post("/app", std::string(200000, 'x')) + get("/fixed"));
  EXPECT_EQ(client.read_reply().body, "fixed");
  const Reply refused = client.read_reply();
  EXPECT_EQ(refused.status, 413);
  if (refused.field("connection") == "close")
    EXPECT_EQ(client.socket().read_to_end(), "");
  else
    EXPECT_EQ(client.read_reply().body, "fixed");
}

// The answer may be there before the body that was asked for: what still comes of it is skipped.
TEST(Expect, AnUpstreamsAnswerMayComeBeforeTheBody) {
  ScriptedServer app([](Peer& peer) {
    if (!peer.socket().read_until("\r\n\r\n")) return;
    peer.send(http_answer(401, "no"));
    peer.wait_for_close();
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send("POST /app HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 401);
  client.send("123456789" + get("/fixed"));
  EXPECT_EQ(client.read_reply().body, "fixed");
}

// Whoever has said all that there is to say may still wait for the answer.
TEST(HalfClose, OfAClientLeavesItTheAnswer) {
  Recorder app;
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send(get("/app"));
  client.socket().finish_sending();
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.socket().read_to_end(), "");
}

// No filter is needed, and any may stand alone.
TEST(Filters, EachIsOptional) {
  Recorder app;
  ScriptedServer auth(always(http_answer(200, "density")));
  for (const char* filters :
       {"[]", "[request_id]", "[{type: allow_deny, allow: [127.0.0.1]}]",
        "[{type: rate_limit, rate: 10}]", "[{type: body_limit, size: 1KiB}]",
        "[{type: token, upstream: auth}]", "[{type: header_edits, request: {set: {X-A: b}}}]"}) {
    const std::string yaml = config(app.address()) + "filters: " + filters + "\n";
    const auto upstreams = yaml.find("upstreams:\n") + std::string("upstreams:\n").size();
    Gateway gateway(std::string(yaml).insert(
        upstreams, "  - {name: auth, private: true, endpoints: [" + auth.address() + "]}\n"));
    EXPECT_EQ(
        fetch(gateway.port(), "GET /app HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n").status,
        200)
        << filters;
  }
}

}  // namespace
}  // namespace gateway::test::exchange_test
