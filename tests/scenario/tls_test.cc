#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"
#include "support/tls_client.h"
#include "unit/net/test_certificates.h"

/// The TLS listener as a client sees it.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// An HTTPS listener with certificates for a.example and b.example before one application.
class Https {
 public:
  explicit Https(const std::string& options = {}) {
    write("a", {"a.example", "127.0.0.1"});
    write("b", {"b.example"});
    write("client", {"a client"});
    folder_.write("ca.crt", authority_.certificate());
    gateway_.emplace(
        "version: 1\n"
        "listeners:\n"
        "  - name: https\n"
        "    address: '127.0.0.1:0'\n"
        "    tls:\n"
        "      certificates:\n"
        "        - {certificate: " +
        file("a.crt") + ", key: " + file("a.key") +
        "}\n"
        "        - {certificate: " +
        file("b.crt") + ", key: " + file("b.key") + "}\n" +
        (options.empty() ? "" : "      " + options + "\n") +
        "upstreams:\n"
        "  - {name: app, endpoints: [" +
        app.address() +
        "]}\n"
        "routes:\n"
        "  - {name: all, match: {path_prefix: /}, forward: app}\n");
  }

  std::string file(const std::string& name) const { return folder_.path(name); }
  std::uint16_t port() const { return gateway_->port("https"); }
  TlsClient connect(TlsClient::Options options) const { return {port(), options}; }

  Recorder app;

 private:
  void write(const std::string& name, const std::vector<std::string>& names) {
    const net::PemPair pair = authority_.issue(names);
    folder_.write(name + ".crt", pair.certificate);
    folder_.write(name + ".key", pair.key);
  }

  net::TestAuthority authority_;
  test::TemporaryFolder folder_;
  std::optional<Gateway> gateway_;
};

TEST(Tls, RequestsReachTheApplicationAndSayHttps) {
  Https https;
  TlsClient client = https.connect({.server_name = "a.example"});
  ASSERT_TRUE(client.connected());
  const std::string answer = client.fetch(get("/x", "a.example"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("X-Forwarded-Proto: https\r\n"));
}

TEST(Tls, PlainHttpGetsAReadable400) {
  Https https;
  const Reply reply = fetch(https.port(), get("/x"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("https://"));
  EXPECT_THAT(https.app.heads(), IsEmpty());
}

// Closing before all of it was read would reset the connection, and the answer with it.
TEST(Tls, AlsoWhenItIsALargeUpload) {
  Https https;
  const Reply reply = fetch(https.port(), post("/x", std::string(1 << 20, 'x')));
  EXPECT_EQ(reply.status, 400);
}

TEST(Tls, VersionsBefore12AreRefused) {
  Https https;
  EXPECT_FALSE(
      https.connect({.server_name = "a.example", .max_version = TLS1_1_VERSION}).connected());
  EXPECT_TRUE(
      https.connect({.server_name = "a.example", .max_version = TLS1_2_VERSION}).connected());
}

TEST(Tls, ThereIsNoRenegotiationCompressionOrEarlyData) {
  Https https;
  TlsClient client = https.connect({.server_name = "a.example", .max_version = TLS1_2_VERSION});
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(SSL_get_current_compression(client.ssl()), nullptr);
  EXPECT_EQ(client.status(get("/", "a.example")), 200);
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
  TlsClient modern = https.connect({.server_name = "a.example"});
  EXPECT_EQ(modern.status(get("/", "a.example")), 200);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(SSL_get_session(modern.ssl())), 0U);
}

TEST(Tls, ClientCertificatesAreRequired) {
  Https https;
  Https strict("client_certificates: required\n      client_ca: " + https.file("ca.crt"));
  TlsClient without = strict.connect({.server_name = "a.example"});
  // In TLS 1.3 the client hears of it with its first read.
  EXPECT_EQ(without.connected() ? without.status(get("/", "a.example")) : 0, 0);
  EXPECT_THAT(strict.app.heads(), IsEmpty());
  TlsClient with = strict.connect({.server_name = "a.example",
                                   .certificate = https.file("client.crt"),
                                   .key = https.file("client.key")});
  EXPECT_EQ(with.status(get("/", "a.example")), 200);
}

// Whoever was let in for one host is not let in for another (CVE-2025-23419).
TEST(Tls, WithClientCertificatesHostMustBeTheOneThatWasAskedFor) {
  Https https;
  Https strict("client_certificates: required\n      client_ca: " + https.file("ca.crt"));
  TlsClient client = strict.connect({.server_name = "a.example",
                                     .certificate = https.file("client.crt"),
                                     .key = https.file("client.key")});
  EXPECT_EQ(client.status(get("/", "b.example")), 421);
  EXPECT_THAT(strict.app.heads(), IsEmpty());
}

}  // namespace
}  // namespace gateway::test
