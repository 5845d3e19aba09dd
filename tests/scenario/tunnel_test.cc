#include <gmock/gmock.h>
#include <poll.h>

#include <cerrno>
#include <future>
#include <thread>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"
#include "support/tls_client.h"
#include "unit/net/test_certificates.h"

/// WebSocket: a request that becomes a tunnel, and all that must not become one.
namespace gateway::test::tunnel_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view kTakenUp =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const std::string kAsk =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::string config(const std::string& endpoint, const std::string& route = {},
                   const std::string& upstream = {}) {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         endpoint + "]" + upstream +
         "}\n"
         "routes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app" +
         route + "}\n";
}

/// An endpoint that takes up every request and then does what the test says.
ScriptedServer::Script taking_up(std::function<void(Peer&)> then) {
  return [then = std::move(then)](Peer& peer) {
    if (peer.read_request() && peer.send(kTakenUp)) then(peer);
  };
}

void echo(Peer& peer) {
  Socket& socket = peer.socket();
  while (!socket.unread().empty() || socket.fill()) {
    const std::string bytes = socket.unread();
    socket.discard();
    if (!socket.send(bytes)) return;
  }
}

/// The head of the answer with which a tunnel begins.
std::string begin(HttpClient& client, const std::string& ask = kAsk) {
  client.send(ask);
  return client.socket().read_until("\r\n\r\n").value_or("");
}

std::string say(HttpClient& client, std::string_view text) {
  client.send(text);
  return client.socket().read_exactly(text.size()).value_or("");
}

struct Counts {
  std::uint64_t tunnels = 0;
  std::uint64_t ended = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::int64_t under_way = 0;
};

Counts counts(Gateway& gateway) {
  Counts sum;
  gateway.registry().routes.for_each([&](auto, auto, const RouteCells& cells) {
    sum.tunnels += cells.responses.by_class[1].value();
    sum.ended += cells.responses.total();
    sum.bytes_in += cells.bytes_in.value();
    sum.bytes_out += cells.bytes_out.value();
    sum.under_way += cells.in_flight.value();
  });
  return sum;
}

/// Until so many exchanges have ended.
Counts wait_for_end(Gateway& gateway, std::uint64_t exchanges) {
  const auto start = std::chrono::steady_clock::now();
  while (counts(gateway).ended < exchanges &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(kPatienceSeconds))
    std::this_thread::yield();
  return counts(gateway);
}

/// Sends until the other side takes no more, or `most` bytes are sent; returns how many were.
std::size_t send_until_blocked(Socket& socket, std::size_t most) {
  const std::string piece(64 * 1024, 'x');
  std::size_t sent = 0;
  while (sent < most) {
    pollfd ready{socket.fd(), POLLOUT, 0};
    if (::poll(&ready, 1, 500) <= 0) break;
    const ssize_t count = ::send(socket.fd(), piece.data(), std::min(piece.size(), most - sent),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0)
      sent += static_cast<std::size_t>(count);
    else if (errno != EAGAIN)
      break;
  }
  return sent;
}

TEST(Tunnel, CarriesBytesBothWays) {
  std::promise<std::string> asked;
  ScriptedServer app([&](Peer& peer) {
    asked.set_value(peer.read_request().value_or(""));
    peer.send(kTakenUp);
    echo(peer);
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  const std::string head = begin(client);
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_EQ(field_of(head, "connection"), "Upgrade");
  EXPECT_EQ(field_of(head, "upgrade"), "websocket");
  EXPECT_EQ(field_of(head, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_THAT(head, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  const std::string seen = asked.get_future().get();
  EXPECT_EQ(field_of(seen, "connection"), "Upgrade");
  EXPECT_EQ(field_of(seen, "upgrade"), "websocket");
  EXPECT_EQ(field_of(seen, "sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(field_of(seen, "x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(counts(gateway).under_way, 1);
  // Nothing of what passes is read as HTTP.
  for (const std::string& text : {std::string("\x81\x05hello", 7), std::string(3, '\0'),
                                  get("/secret"), std::string(100000, 'b')})
    EXPECT_EQ(say(client, text), text);
  client.socket().finish_sending();
  EXPECT_EQ(client.socket().read_to_end(), "");
  const Counts end = wait_for_end(gateway, 1);
  EXPECT_EQ(end.tunnels, 1U) << "counted once, as what its client got";
  EXPECT_EQ(end.ended, 1U);
  EXPECT_EQ(end.under_way, 0);
  EXPECT_EQ(end.bytes_in, 7 + 3 + get("/secret").size() + 100000);
  EXPECT_EQ(end.bytes_out, end.bytes_in);
}

// Each side may begin before it has seen all of the other's head.
TEST(Tunnel, WhatCameTooEarlyGoesFirst) {
  ScriptedServer app([](Peer& peer) {
    if (!peer.read_request()) return;
    peer.send(std::string(kTakenUp) + "from the endpoint;");
    echo(peer);
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  EXPECT_THAT(begin(client, kAsk + std::string(50000, 'e') + "from the client;"),
              StartsWith("HTTP/1.1 101 "));
  EXPECT_EQ(client.socket().read_exactly(18), "from the endpoint;");
  EXPECT_EQ(client.socket().read_exactly(50016), std::string(50000, 'e') + "from the client;");
  EXPECT_EQ(say(client, "later"), "later");
}

TEST(Tunnel, AClientThatHasEndedStillHears) {
  ScriptedServer app(taking_up([](Peer& peer) {
    const std::string all = peer.socket().read_to_end();
    peer.send("after the end: " + all);
  }));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  begin(client, kAsk + "first, ");
  client.send("last");
  client.socket().finish_sending();
  EXPECT_EQ(client.socket().read_to_end(), "after the end: first, last");
  EXPECT_EQ(wait_for_end(gateway, 1).tunnels, 1U);
}

TEST(Tunnel, AnEndpointThatHasEndedStillHears) {
  std::promise<std::string> heard;
  ScriptedServer app(taking_up([&](Peer& peer) {
    peer.send("that is all");
    peer.socket().finish_sending();
    heard.set_value(peer.socket().read_to_end());
  }));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  begin(client);
  EXPECT_EQ(client.socket().read_to_end(), "that is all");
  EXPECT_EQ(counts(gateway).ended, 0U);
  const std::string much(4'000'000, 'm');
  client.send(much);
  client.socket().finish_sending();
  EXPECT_EQ(heard.get_future().get(), much);
  const Counts end = wait_for_end(gateway, 1);
  EXPECT_EQ(end.bytes_in, much.size());
  EXPECT_EQ(end.bytes_out, 11U);
}

// A side that does not read holds the other one back: nothing piles up in between.
TEST(Tunnel, HoldsBackWhoIsTooFast) {
  constexpr std::size_t kMuch = 128 * 1024 * 1024;
  std::promise<void> may_read;
  std::promise<std::size_t> sent;
  ScriptedServer app(taking_up([&](Peer& peer) {
    may_read.get_future().get();
    Socket& socket = peer.socket();
    std::size_t received = 0;
    while (socket.fill()) {
      received += socket.unread().size();
      socket.discard();
    }
    socket.send(std::to_string(received) + ";");
    sent.set_value(send_until_blocked(socket, kMuch));
  }));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  begin(client);
  const std::size_t taken = send_until_blocked(client.socket(), kMuch);
  EXPECT_LT(taken, kMuch);
  may_read.set_value();
  client.send("and the rest");
  client.socket().finish_sending();
  EXPECT_EQ(client.socket().read_until(";"), std::to_string(taken + 12) + ";");
  const std::size_t given = sent.get_future().get();
  EXPECT_LT(given, kMuch);
  EXPECT_EQ(client.socket().read_to_end().size(), given);
}

TEST(Tunnel, SilenceEndsItForBothSides) {
  std::promise<std::string> heard;
  ScriptedServer app([&](Peer& peer) {
    if (!peer.read_request()) return;
    peer.send(std::string(kTakenUp) + "hello");
    heard.set_value(peer.socket().read_to_end());
  });
  Gateway gateway(config(app.address(), {}, ", timeouts: {tunnel_idle: 100ms, idle: 1h}"));
  HttpClient client(gateway.port());
  begin(client, kAsk + "hi");
  EXPECT_EQ(client.socket().read_to_end(), "hello");
  EXPECT_EQ(heard.get_future().get(), "hi");
  EXPECT_EQ(wait_for_end(gateway, 1).tunnels, 1U);
  EXPECT_EQ(gateway.endpoints("app")->entries[0].endpoint->consecutive_failures(), 0U)
      << "silence is nobody's fault";
}

// The times of requests and bodies are not those of tunnels.
TEST(Tunnel, OutlivesWhatBoundsRequests) {
  ScriptedServer app(taking_up(echo));
  Gateway gateway(config(app.address(), ", timeout: 200ms, idle_timeout: 200ms",
                         ", timeouts: {request: 200ms, per_try: 200ms, idle: 200ms}"));
  HttpClient client(gateway.port());
  begin(client);
  // Longer than all of them.
  pollfd nothing{client.socket().fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&nothing, 1, 600), 0) << "neither bytes nor an end";
  EXPECT_EQ(say(client, "still here"), "still here");
}

TEST(Tunnel, AReloadNeverClosesIt) {
  ScriptedServer app(taking_up(echo));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  begin(client);
  EXPECT_EQ(say(client, "before"), "before");
  gateway.reload(
      "version: 1\nlisteners:\n  - {name: http, address: '127.0.0.1:0'}\n"
      "routes:\n  - {name: new, match: {path: /new}, respond: {status: 200}}\n");
  EXPECT_EQ(fetch(gateway.port(), kAsk).status, 404) << "upstream and route are gone";
  EXPECT_EQ(say(client, "after"), "after");
  gateway.reload(
      "version: 1\nlisteners:\n  - {name: other, address: '127.0.0.1:0'}\n"
      "routes:\n  - {name: new, match: {path: /new}, respond: {status: 200}}\n");
  EXPECT_EQ(say(client, "even without its listener"), "even without its listener");
}

TEST(Tunnel, EndsWithItsEndpoint) {
  std::promise<void> die;
  ScriptedServer app(taking_up([&](Peer& peer) {
    peer.send("last words");
    die.get_future().get();
    peer.reset_at_end();
  }));
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  begin(client);
  EXPECT_EQ(client.socket().read_exactly(10), "last words");
  die.set_value();
  EXPECT_EQ(client.socket().read_to_end(), "");
  EXPECT_EQ(wait_for_end(gateway, 1).ended, 1U);
}

TEST(Tunnel, EndsWithItsClient) {
  std::promise<void> ended;
  ScriptedServer app(taking_up([&](Peer& peer) {
    peer.wait_for_close();
    ended.set_value();
  }));
  Gateway gateway(config(app.address()));
  {
    HttpClient client(gateway.port());
    begin(client);
    client.socket().reset_at_close();
  }
  ended.get_future().get();
  const Counts end = wait_for_end(gateway, 1);
  EXPECT_EQ(end.tunnels, 1U);
  EXPECT_EQ(end.under_way, 0);
}

// A bound on requests or connections holds for tunnels, and their places fall free.
TEST(Tunnel, TakesTheUpstreamsPlaces) {
  ScriptedServer app(taking_up(echo));
  Gateway gateway(
      config(app.address(), ", timeout: 500ms", ", limits: {requests: 1, connections: 1}"));
  for (int i = 0; i < 3; ++i) {
    HttpClient client(gateway.port());
    EXPECT_THAT(begin(client), StartsWith("HTTP/1.1 101 "));
    EXPECT_EQ(fetch(gateway.port(), kAsk).status, 504) << "waited in vain";
    client.socket().finish_sending();
    EXPECT_EQ(client.socket().read_to_end(), "");
  }
}

TEST(Tunnel, OverTls) {
  net::TestAuthority authority;
  TemporaryFolder folder;
  const net::PemPair pair = authority.issue({"a.example"});
  folder.write("a.crt", pair.certificate);
  folder.write("a.key", pair.key);
  ScriptedServer app(taking_up([](Peer& peer) {
    peer.send(*peer.socket().read_exactly(4));
    peer.socket().finish_sending();
    peer.wait_for_close();
  }));
  Gateway gateway(
      "version: 1\nlisteners:\n"
      "  - {name: http, address: '127.0.0.1:0', tls: {certificates: [{folder: '" +
      folder.path() + "'}]}}\nupstreams:\n  - {name: app, endpoints: [" + app.address() +
      "]}\nroutes:\n  - {name: all, match: {path_prefix: /}, forward: app}\n");
  TlsClient client(gateway.port(), {.server_name = "a.example"});
  ASSERT_TRUE(client.connected());
  SSL_write(client.ssl(), kAsk.data(), static_cast<int>(kAsk.size()));
  std::string text;
  char bytes[4096];
  int count = 0;
  while (!text.ends_with("\r\n\r\n") && (count = SSL_read(client.ssl(), bytes, sizeof bytes)) > 0)
    text.append(bytes, static_cast<std::size_t>(count));
  EXPECT_THAT(text, StartsWith("HTTP/1.1 101 "));
  SSL_write(client.ssl(), "ping", 4);
  ASSERT_EQ(SSL_read(client.ssl(), bytes, sizeof bytes), 4);
  EXPECT_EQ(std::string(bytes, 4), "ping");
  count = SSL_read(client.ssl(), bytes, sizeof bytes);
  EXPECT_EQ(SSL_get_error(client.ssl(), count), SSL_ERROR_ZERO_RETURN) << "an end, not a cut";
  SSL_shutdown(client.ssl());
  EXPECT_EQ(wait_for_end(gateway, 1).tunnels, 1U);
}

// What was refused is an answer like any other, and so is what follows on the connection.
TEST(NoTunnel, AnotherAnswerIsAnOrdinaryOne) {
  ScriptedServer app([](Peer& peer) {
    for (int i = 0; peer.read_request(); ++i)
      if (!peer.send(http_answer(i == 0 ? 426 : 200, i == 0 ? "not so" : "ok",
                                 i == 0 ? "Upgrade: websocket\r\nConnection: upgrade\r\n" : "")))
        return;
  });
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  const Reply refused = client.fetch(kAsk);
  EXPECT_EQ(refused.status, 426);
  EXPECT_EQ(refused.body, "not so");
  EXPECT_EQ(refused.field("upgrade"), "");
  EXPECT_EQ(client.fetch(get("/")).body, "ok");
  EXPECT_EQ(app.connections(), 1);
}

// Who takes a 200 for a 101 must not get past the gateway: its frames are read as HTTP, and
// refused.
TEST(NoTunnel, FramesAfterAnOrdinaryAnswerAreNoBytesForTheUpstream) {
  Recorder app;
  Gateway gateway(config(app.address()));
  HttpClient client(gateway.port());
  client.send(kAsk + std::string("\x81\x85\x01\x02\x03\x04", 6) + "frame" + get("/smuggled"));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.read_reply().status, 400);
  EXPECT_EQ(client.socket().read_to_end(), "");
  ASSERT_THAT(app.heads(), SizeIs(1));
  EXPECT_THAT(app.heads()[0], Not(HasSubstr("smuggled")));
}

// A request that is hidden behind an upgrade goes through the gateway as every other one does.
TEST(NoTunnel, ARequestAfterAnOrdinaryAnswerIsRoutedAsSuch) {
  Recorder app;
  Gateway gateway(config(app.address()) +
                  "  - {name: secret, match: {path: /secret}, respond: {status: 403}}\n");
  HttpClient client(gateway.port());
  client.send(kAsk + get("/secret"));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_EQ(client.read_reply().status, 403);
  EXPECT_THAT(app.heads(), SizeIs(1));
}

/// Asks `wire` of an endpoint that answers 101 whatever it is asked. Returns the answer's status;
/// `seen` gets what the endpoint saw.
int status_after_101(const std::string& wire, std::string& seen, const std::string& route = {},
                     std::string_view answer = kTakenUp) {
  std::promise<std::string> asked;
  ScriptedServer app([&](Peer& peer) {
    asked.set_value(peer.read_request().value_or(""));
    peer.send(std::string(answer) + "raw");
    peer.wait_for_close();
  });
  Gateway gateway(config(app.address(), route));
  const Reply reply = fetch(gateway.port(), wire);
  EXPECT_THAT(reply.body, Not(HasSubstr("raw")));
  seen = asked.get_future().get();
  return reply.status;
}

// The endpoint alone must not make a tunnel: later requests on the connection would pass unseen.
TEST(NoTunnel, AnUnasked101IsRefused) {
  std::string seen;
  EXPECT_EQ(status_after_101(get("/"), seen), 502);
}

TEST(NoTunnel, H2cIsNeverTakenUp) {
  std::string seen;
  const std::string h2c =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n";
  EXPECT_EQ(status_after_101(h2c, seen, {},
                             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             "Upgrade: h2c\r\n\r\n"),
            502);
  for (const char* gone : {"Upgrade", "Connection", "HTTP2-Settings"})
    EXPECT_THAT(seen, Not(HasSubstr(gone)));
}

TEST(NoTunnel, A101ToSomethingElseIsRefused) {
  for (const char* fields :
       {"Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n", "", "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"}) {
    std::string seen;
    EXPECT_EQ(
        status_after_101(kAsk, seen, {},
                         "HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n"),
        502)
        << fields;
  }
}

TEST(NoTunnel, WhatMayNotAskHasItsUpgradeRemoved) {
  const std::string fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string requests[] = {
      "GET / HTTP/1.0\r\nHost: a\r\n" + fields + "\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "Content-Length: 1\r\n\r\nx",
      "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket/13\r\n\r\n",
  };
  for (const std::string& request : requests) {
    std::string seen;
    EXPECT_EQ(status_after_101(request, seen), 502) << request;
    EXPECT_THAT(seen, Not(HasSubstr("pgrade"))) << request;
  }
}

TEST(NoTunnel, ARouteCanSwitchItOff) {
  std::string seen;
  EXPECT_EQ(status_after_101(kAsk, seen, ", upgrade: off"), 502);
  EXPECT_THAT(seen, Not(HasSubstr("pgrade")));
}

// The request is filtered as every other, before anything is a tunnel.
TEST(NoTunnel, AFilterThatRefusesIsHeard) {
  Recorder app;
  Gateway gateway(config(app.address(), ", filters: [{type: allow_deny, deny: [127.0.0.0/8]}]"));
  HttpClient client(gateway.port());
  EXPECT_EQ(client.fetch(kAsk).status, 403);
  EXPECT_THAT(app.heads(), IsEmpty());
}

}  // namespace
}  // namespace gateway::test::tunnel_test
