#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"
#include "support/tls_server.h"
#include "unit/net/test_certificates.h"

/// Endpoints that are reached over TLS must prove who they are.
namespace gateway::test {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class UpstreamTls : public testing::Test {
 protected:
  UpstreamTls() {
    folder_.write("ca.crt", authority_.certificate());
    folder_.write("other-ca.crt", stranger_.certificate());
  }

  /// An endpoint with a certificate for a.example, valid for so many seconds from now.
  std::unique_ptr<TlsServer> server(long seconds = 86400) {
    const net::PemPair pair = authority_.issue({"a.example"}, net::KeyKind::ecdsa, seconds);
    return std::make_unique<TlsServer>(folder_.write("app.crt", pair.certificate),
                                       folder_.write("app.key", pair.key));
  }
  std::string file(const std::string& name) const { return folder_.path(name); }

  static std::string config(const std::string& endpoint, const std::string& tls) {
    return "version: 1\n"
           "listeners:\n"
           "  - {name: http, address: '127.0.0.1:0'}\n"
           "upstreams:\n"
           "  - name: app\n"
           "    endpoints: [" +
           endpoint + "]\n    tls: {" + tls +
           "}\n"
           "routes:\n"
           "  - {name: all, match: {path_prefix: /}, forward: app}\n";
  }

  /// What a client sees of an endpoint that is not believed: 502 and why, nothing of it inside.
  static void expect_refused(const std::string& endpoint, const std::string& tls) {
    Gateway gateway(config(endpoint, tls));
    const Reply reply = fetch(gateway.port(), get("/secret"));
    EXPECT_EQ(reply.status, 502);
    EXPECT_THAT(reply.body, HasSubstr("TLS handshake"));
  }

  net::TestAuthority authority_;
  net::TestAuthority stranger_;
  TemporaryFolder folder_;
};

// Name and SNI come from the configuration, never from what the client says.
TEST_F(UpstreamTls, AProvenEndpointIsUsed) {
  const auto app = server();
  Gateway gateway(config(app->address(), "ca: " + file("ca.crt") + ", server_name: a.example"));
  HttpClient client(gateway.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.fetch(get("/", "b.example")).body, "ok");
  EXPECT_THAT(app->names(), Each(std::string("a.example")));
  EXPECT_THAT(app->names(), SizeIs(1)) << "one connection, kept";
  EXPECT_THAT(app->requests(), Each(HasSubstr("Host: b.example\r\n")));
}

// An upstream without TLS is made when it is first asked for: what it becomes before, or after,
// counts.
TEST_F(UpstreamTls, ComesAndGoesByReload) {
  const auto app = server();
  Recorder plain;
  const std::string with_tls =
      config(app->address(), "ca: " + file("ca.crt") + ", server_name: a.example");
  std::string without = config(plain.address(), "");
  without.replace(without.find("    tls: {}\n"), 12, "");
  for (const bool asked_before : {false, true}) {
    Gateway gateway(without);
    if (asked_before) {
      EXPECT_EQ(fetch(gateway.port(), get("/")).status, 200);
    }
    gateway.reload(with_tls);
    EXPECT_EQ(fetch(gateway.port(), get("/secret")).status, 200);
    gateway.reload(without);
    std::string again = without;
    gateway.reload(again.insert(again.rfind('}'), ", timeout: 3s"));
    EXPECT_EQ(fetch(gateway.port(), get("/")).status, 200) << "its endpoints are known still";
  }
  EXPECT_THAT(app->requests(), SizeIs(2));
  for (const std::string& head : plain.heads()) EXPECT_THAT(head, Not(HasSubstr("/secret")));
}

TEST_F(UpstreamTls, AnotherNameIsRefused) {
  const auto app = server();
  expect_refused(app->address(), "ca: " + file("ca.crt") + ", server_name: b.example");
  EXPECT_THAT(app->requests(), IsEmpty());
}

TEST_F(UpstreamTls, AnExpiredCertificateIsRefused) {
  const auto app = server(-60);
  expect_refused(app->address(), "ca: " + file("ca.crt") + ", server_name: a.example");
  EXPECT_THAT(app->requests(), IsEmpty());
}

TEST_F(UpstreamTls, AnUnknownAuthorityIsRefused) {
  const auto app = server();
  expect_refused(app->address(), "ca: " + file("other-ca.crt") + ", server_name: a.example");
  expect_refused(app->address(), "server_name: a.example");  // the system's authorities
  EXPECT_THAT(app->requests(), IsEmpty());
}

TEST_F(UpstreamTls, PlainTextIsNoHandshake) {
  ScriptedServer plain([](Peer& peer) {
    peer.send(http_answer(200, "in the clear"));
    peer.wait_for_close();
  });
  expect_refused(plain.address(), "ca: " + file("ca.crt") + ", server_name: a.example");
}

TEST_F(UpstreamTls, OneThatCannotProveItselfDoesNotSpoilTheOthers) {
  const auto good = server();
  const auto expired = server(-60);
  Gateway gateway(config(good->address() + ", " + expired->address(),
                         "ca: " + file("ca.crt") + ", server_name: a.example"));
  HttpClient client(gateway.port());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.fetch(get("/")).status, 200);
  EXPECT_THAT(expired->requests(), IsEmpty());
}

// Without a name to verify there is nothing to believe: the configuration must say which.
TEST_F(UpstreamTls, AnAddressAloneProvesNothing) {
  const auto app = server();
  try {
    Gateway gateway(config(app->address(), "ca: " + file("ca.crt")));
    EXPECT_NE(fetch(gateway.port(), get("/")).status, 200);
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("server_name"));
  }
  EXPECT_THAT(app->requests(), IsEmpty());
}

}  // namespace
}  // namespace gateway::test
