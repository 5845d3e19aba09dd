#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "gateway/net/openssl.h"
#include "gateway/net/tls_client.h"
#include "gateway/net/tls_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/net/owner.h"
#include "tests/unit/net/sockets.h"
#include "tests/unit/net/test_certificates.h"
#include "tests/unit/runtime/turns.h"

namespace gateway::net {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHttp1[] = {"http/1.1"};

/// Our client and our server on one loop, over a loopback socket.
class TlsTransportTest : public testing::Test {
 protected:
  TlsTransportTest() : tickets_(std::make_shared<TicketKeys>()) {
    trust_.ca = folder_.write("ca.crt", authority_.certificate());
    trust_.server_name = "a.test";
    add({"a.test"});
  }

  void add(const std::vector<std::string>& names, KeyKind kind = KeyKind::ecdsa) {
    const PemPair pair = authority_.issue(names, kind);
    certificates_.push_back(*store_.load(pair.certificate, pair.key));
  }
  void give_client_a_certificate() {
    const PemPair pair = authority_.issue({"client.test"});
    trust_.certificate = folder_.write("client.crt", pair.certificate);
    trust_.key = folder_.write("client.key", pair.key);
  }
  void make_server() {
    auto made = ServerTlsContext::make(library_, settings_, "https",
                                       CertificateSet::make(certificates_), tickets_, kHttp1);
    ASSERT_TRUE(made) << made.error().to_string();
    server_context_ = std::move(*made);
  }
  void make_client(std::span<const std::string_view> alpn = kHttp1) {
    auto made = ClientTlsContext::make(library_, trust_, alpn);
    ASSERT_TRUE(made) << made.error().to_string();
    client_context_ = std::move(*made);
  }
  void accept() {
    server_ = make_tls_server_transport(loop_, loopback_.accept(), SocketAddress(),
                                        loopback_.address(), *server_context_, at_server_);
  }
  void dial() {
    if (!server_context_) make_server();
    if (!client_context_) make_client();
    server_.reset();
    client_.reset();
    at_server_ = {};
    at_client_ = {};
    client_ = connect_transport(loop_, loopback_.address(), 5s, client_context_.get(),
                                trust_.server_name, at_client_);
    accept();
  }
  bool until(const std::function<bool()>& done) { return run_until(loop_, done); }
  bool both_open() {
    return until([&] { return at_server_.opened == 1 && at_client_.opened == 1; });
  }
  /// A request and its answer, after which a session may be resumed.
  void exchange() {
    client_->write("ping");
    ASSERT_TRUE(until([&] { return at_server_.received == "ping"; }));
    server_->write("pong");
    ASSERT_TRUE(until([&] { return at_client_.received == "pong"; }));
  }

  test::TemporaryFolder folder_;
  TestAuthority authority_;
  CertificateStore store_;
  std::vector<std::shared_ptr<const Certificate>> certificates_;
  std::shared_ptr<TicketKeys> tickets_;
  config::ListenerTls settings_;
  config::UpstreamTls trust_;
  TlsLibrary library_;
  EventLoop loop_;
  Loopback loopback_;
  std::unique_ptr<ServerTlsContext> server_context_;
  std::unique_ptr<ClientTlsContext> client_context_;
  RecordingOwner at_server_;
  RecordingOwner at_client_;
  std::unique_ptr<Transport> server_;
  std::unique_ptr<Transport> client_;
};

TEST_F(TlsTransportTest, ShakesHandsAndTellsTheFacts) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  const TlsFacts& facts = server_->facts();
  EXPECT_TRUE(facts.is_tls);
  EXPECT_EQ(facts.version, "TLSv1.3");
  EXPECT_EQ(facts.cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(facts.server_name, "a.test");
  EXPECT_EQ(facts.alpn, "http/1.1");
  EXPECT_FALSE(facts.resumed);
  EXPECT_FALSE(facts.client_verified);
}

TEST_F(TlsTransportTest, SmallPiecesAreOneRecordAndOneDelivery) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  at_client_.deliveries = 0;
  const std::uint64_t before = server_->bytes_written();
  const iovec pieces[] = {{const_cast<char*>("head "), 5}, {const_cast<char*>("body"), 4}};
  server_->write(pieces);
  ASSERT_TRUE(until([&] { return at_client_.received == "ponghead body"; }));
  EXPECT_EQ(at_client_.deliveries, 1);
  EXPECT_EQ(server_->bytes_written() - before, 9U + 5 + 1 + 16) << "header, type and tag of one";
}

TEST_F(TlsTransportTest, LargeWritesArriveWholeWithSmallHeads) {
  dial();
  ASSERT_TRUE(both_open());
  std::string body(24 << 20, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  const iovec pieces[] = {
      {const_cast<char*>("head"), 4}, {body.data(), body.size()}, {const_cast<char*>("tail"), 4}};
  server_->write(pieces);
  EXPECT_GT(server_->queued(), 0U);
  server_->shutdown_write();
  ASSERT_TRUE(until([&] { return at_client_.eofs == 1; }));
  EXPECT_TRUE(at_client_.received == "head" + body + "tail");
  EXPECT_EQ(at_server_.drained, 1);
  EXPECT_TRUE(at_client_.errors.empty());
}

TEST_F(TlsTransportTest, ReadingCanStopWithRecordsLeft) {
  dial();
  ASSERT_TRUE(both_open());
  at_server_.when_read = [&](std::string_view) { server_->read_stop(); };
  const std::string large(1 << 20, 'x');
  client_->write(large);
  ASSERT_TRUE(until([&] { return at_server_.deliveries == 1; }));
  for (int turn = 0; turn < 3; ++turn) loop_.run_once(1ms);
  EXPECT_EQ(at_server_.deliveries, 1);
  at_server_.when_read = nullptr;
  server_->read_start();
  EXPECT_TRUE(until([&] { return at_server_.received == large; }));
}

TEST_F(TlsTransportTest, ReadingCanStopBeforeTheFirstRecord) {
  at_server_.when_open = [&] { server_->read_stop(); };
  make_server();
  make_client();
  client_ = connect_transport(loop_, loopback_.address(), 5s, client_context_.get(), "a.test",
                              at_client_);
  at_client_.when_open = [&] { client_->write("ping"); };
  accept();
  ASSERT_TRUE(until([&] { return at_server_.opened == 1; }));
  for (int turn = 0; turn < 3; ++turn) loop_.run_once(1ms);
  EXPECT_EQ(at_server_.received, "");
  server_->read_start();
  EXPECT_TRUE(until([&] { return at_server_.received == "ping"; }));
}

TEST_F(TlsTransportTest, CloseSaysGoodbye) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  server_->close();
  EXPECT_TRUE(until([&] { return at_client_.eofs == 1; }));
  EXPECT_TRUE(at_client_.errors.empty());
}

TEST_F(TlsTransportTest, AnUpstreamThatCutsTheStreamIsAnError) {
  make_server();
  make_client();
  client_ = connect_transport(loop_, loopback_.address(), 5s, client_context_.get(), "a.test",
                              at_client_);
  const int fd = loopback_.accept();
  const int other = ::dup(fd);
  server_ = make_tls_server_transport(loop_, fd, SocketAddress(), loopback_.address(),
                                      *server_context_, at_server_);
  ASSERT_TRUE(both_open());
  ::shutdown(other, SHUT_WR);
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_reset); }));
  EXPECT_EQ(at_client_.eofs, 0);
  ::close(other);
}

TEST_F(TlsTransportTest, ChoosesCertificatesByName) {
  add({"b.test", "*.b.test"});
  make_server();
  for (const char* name : {"b.test", "x.b.test", "a.test"}) {
    trust_.server_name = name;
    dial();
    ASSERT_TRUE(both_open()) << name;  // the client verifies the name
    EXPECT_EQ(server_->facts().server_name, name);
  }
  trust_.server_name = "x.y.b.test";
  dial();
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_tls_failed); }))
      << "a wildcard is one label";
}

TEST_F(TlsTransportTest, PrefersEcdsaAndFallsBackToRsa) {
  certificates_.clear();
  for (const char* name : {"a.test", "b.test"}) {
    add({name}, KeyKind::rsa);
    add({name});
  }
  make_server();
  for (const char* name : {"a.test", "b.test"}) {
    for (const char* schemes :
         {"ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256", "rsa_pss_rsae_sha256"}) {
      const int client = loopback_.dial();
      accept();
      SSL_CTX* context = SSL_CTX_new(TLS_client_method());
      ASSERT_EQ(SSL_CTX_set1_sigalgs_list(context, schemes), 1);
      SSL* ssl = SSL_new(context);
      SSL_set_tlsext_host_name(ssl, name);
      SSL_set_fd(ssl, client);
      ASSERT_EQ(::fcntl(client, F_SETFL, O_NONBLOCK), 0);
      ASSERT_TRUE(until([&] { return SSL_connect(ssl) == 1; }));
      EVP_PKEY* key = X509_get0_pubkey(SSL_get0_peer_certificate(ssl));
      const bool both = std::string_view(schemes).starts_with("ecdsa");
      EXPECT_EQ(EVP_PKEY_get_base_id(key), both ? EVP_PKEY_EC : EVP_PKEY_RSA) << name;
      SSL_free(ssl);
      SSL_CTX_free(context);
      ::close(client);
    }
  }
}

TEST_F(TlsTransportTest, NewCertificatesServeNewConnections) {
  dial();
  ASSERT_TRUE(both_open());
  certificates_.clear();
  add({"b.test"});
  server_context_->use(CertificateSet::make(certificates_));
  exchange();  // the old connection goes on
  trust_.server_name = "b.test";
  dial();
  EXPECT_TRUE(both_open());
}

TEST_F(TlsTransportTest, ADefaultOfAnotherKindReplacesTheOldOne) {
  dial();
  certificates_.clear();
  add({"a.test"}, KeyKind::rsa);
  server_context_->use(CertificateSet::make(certificates_));
  dial();
  ASSERT_TRUE(both_open());
  certificates_.clear();
  add({"a.test"});
  server_context_->use(CertificateSet::make(certificates_));
  dial();
  EXPECT_TRUE(both_open());
}

TEST_F(TlsTransportTest, ConnectionsOutliveTheirContexts) {
  dial();
  server_context_.reset();
  client_context_.reset();
  ASSERT_TRUE(both_open());
  exchange();
}

TEST_F(TlsTransportTest, ResumesWithATicket) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_TRUE(server_->facts().resumed);
  EXPECT_TRUE(client_->facts().resumed);
  exchange();
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_TRUE(server_->facts().resumed) << "each connection brings a fresh ticket";
}

TEST_F(TlsTransportTest, ResumesHoweverManyEndpointsThereWere) {
  make_client();
  for (std::uint32_t i = 0; i < 1100; ++i) {
    const SocketAddress gone(IpAddress::v4(0x0a000000U + i), 443);
    SSL_free(client_context_->new_connection(gone, "a.test"));
  }
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_TRUE(client_->facts().resumed);
}

TEST_F(TlsTransportTest, ResumesTls12AndKnowsTheName) {
  make_server();
  // A client of TLS 1.2 alone.
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_SESSION* session = nullptr;
  for (const bool resumed : {false, true}) {
    const int client = loopback_.dial();
    at_server_ = {};
    accept();
    SSL* ssl = SSL_new(context);
    SSL_set_tlsext_host_name(ssl, "a.test");
    if (session != nullptr) SSL_set_session(ssl, session);
    SSL_set_fd(ssl, client);
    ASSERT_EQ(::fcntl(client, F_SETFL, O_NONBLOCK), 0);
    ASSERT_TRUE(until([&] { return SSL_connect(ssl) == 1 && at_server_.opened == 1; }));
    EXPECT_EQ(server_->facts().version, "TLSv1.2");
    EXPECT_EQ(server_->facts().resumed, resumed);
    EXPECT_EQ(server_->facts().server_name, "a.test");
    SSL_SESSION_free(session);
    session = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    ::close(client);
  }
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
}

TEST_F(TlsTransportTest, TicketsSurviveRotationAndOtherContexts) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  tickets_->rotate();
  make_server();  // a reload, or another worker
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_TRUE(server_->facts().resumed);
}

TEST_F(TlsTransportTest, ForgottenKeysMeanAFullHandshake) {
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  for (std::size_t i = 0; i < TicketKeys::kMostKeys; ++i) tickets_->rotate();
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_FALSE(server_->facts().resumed);
}

TEST_F(TlsTransportTest, ATicketOfOneHostIsNoneForAnother) {
  certificates_.clear();
  add({"a.test", "b.test"});
  make_server();
  make_client();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_SESSION* session = nullptr;
  for (const char* name : {"a.test", "b.test"}) {
    const int client = loopback_.dial();
    at_server_ = {};
    accept();
    SSL* ssl = SSL_new(context);
    SSL_set_tlsext_host_name(ssl, name);
    if (session != nullptr) SSL_set_session(ssl, session);
    SSL_set_fd(ssl, client);
    ASSERT_EQ(::fcntl(client, F_SETFL, O_NONBLOCK), 0);
    ASSERT_TRUE(until([&] { return SSL_connect(ssl) == 1 && at_server_.opened == 1; }));
    EXPECT_FALSE(server_->facts().resumed) << name;
    server_->write("x");
    char byte;
    ASSERT_TRUE(until([&] { return SSL_read(ssl, &byte, 1) == 1; }));
    SSL_SESSION_free(session);
    session = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    ::close(client);
  }
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
}

TEST_F(TlsTransportTest, TicketsCanBeOff) {
  settings_.tickets = false;
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_FALSE(server_->facts().resumed);
}

TEST_F(TlsTransportTest, RefusesOldVersions) {
  settings_.min_version = config::TlsVersion::tls13;
  make_server();
  const int client = loopback_.dial();
  accept();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, client);
  ASSERT_EQ(::fcntl(client, F_SETFL, O_NONBLOCK), 0);
  SSL_connect(ssl);
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::tls_handshake_failed); }));
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(client);
}

TEST_F(TlsTransportTest, RefusesProtocolsItDoesNotSpeak) {
  constexpr std::string_view kOther[] = {"imap"};
  make_client(kOther);
  dial();
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::tls_handshake_failed); }));
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_tls_failed); }));
}

TEST_F(TlsTransportTest, AsksClientsForCertificates) {
  settings_.client_certificates = config::ClientCertificates::required;
  settings_.client_ca = trust_.ca;
  give_client_a_certificate();
  dial();
  ASSERT_TRUE(both_open());
  exchange();
  EXPECT_EQ(server_->facts().client_certificate->subject, "CN=client.test");
  EXPECT_EQ(server_->facts().client_certificate->common_name, "client.test");
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_TRUE(server_->facts().resumed);
  EXPECT_TRUE(server_->facts().client_verified) << "a ticket carries it";
}

TEST_F(TlsTransportTest, RefusesClientsWithoutARequiredCertificate) {
  settings_.client_certificates = config::ClientCertificates::required;
  settings_.client_ca = trust_.ca;
  dial();
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::tls_handshake_failed); }));
}

TEST_F(TlsTransportTest, ServesClientsWithoutAnOptionalCertificate) {
  settings_.client_certificates = config::ClientCertificates::optional;
  settings_.client_ca = trust_.ca;
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_FALSE(server_->facts().client_verified);
}

TEST_F(TlsTransportTest, AnUpstreamMustProveItsName) {
  trust_.server_name = "other.test";
  dial();
  ASSERT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_tls_failed); }));
  EXPECT_NE(at_client_.errors[0].detail.find("name mismatch"), std::string::npos)
      << at_client_.errors[0].detail;
}

TEST_F(TlsTransportTest, AnUpstreamMustBeTrusted) {
  const TestAuthority other;
  trust_.ca = folder_.write("other.crt", other.certificate());
  dial();
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_tls_failed); }));
}

TEST_F(TlsTransportTest, AnUpstreamIsBelievedWhenVerificationIsOff) {
  trust_ = {};
  trust_.verify = false;
  dial();
  EXPECT_TRUE(both_open());
}

TEST_F(TlsTransportTest, AnAddressIsVerifiedAsOne) {
  add({"127.0.0.1"});
  std::swap(certificates_[0], certificates_[1]);
  trust_.server_name = "127.0.0.1";
  dial();
  ASSERT_TRUE(both_open());
  EXPECT_EQ(server_->facts().server_name, "");
}

TEST_F(TlsTransportTest, PlaintextFromAnUpstreamFailsTheHandshake) {
  make_client();
  client_ = connect_transport(loop_, loopback_.address(), 5s, client_context_.get(), "a.test",
                              at_client_);
  const int server = loopback_.accept();
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ASSERT_EQ(::send(server, kAnswer.data(), kAnswer.size(), 0), ssize_t(kAnswer.size()));
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_tls_failed); }));
  EXPECT_EQ(at_client_.received, "");
  ::close(server);
}

TEST_F(TlsTransportTest, AHandshakeHasABound) {
  settings_.handshake_timeout = 50ms;
  make_server();
  const int client = loopback_.dial();
  accept();
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::tls_handshake_failed); }));
  ::close(client);
}

TEST_F(TlsTransportTest, PlainHttpCanBeAnsweredInClear) {
  make_server();
  const int client = loopback_.dial();
  accept();
  at_server_.when_error = [&] {
    server_->write("HTTP/1.1 400 Bad Request\r\n\r\n");
    server_->shutdown_write();
  };
  ASSERT_EQ(::send(client, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  ASSERT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::plaintext_on_tls); }));
  char answer[64];
  const ssize_t size = ::recv(client, answer, sizeof answer, MSG_WAITALL);
  EXPECT_EQ(std::string_view(answer, static_cast<std::size_t>(size)),
            "HTTP/1.1 400 Bad Request\r\n\r\n");
  ::close(client);
}

TEST_F(TlsTransportTest, OtherBytesAreNoHandshake) {
  make_server();
  const int client = loopback_.dial();
  accept();
  ASSERT_EQ(::send(client, "\x80\x2e\x01", 3, 0), 3);
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::tls_handshake_failed); }));
  ::close(client);
}

TEST_F(TlsTransportTest, ABrokenRecordFailsTheConnection) {
  make_server();
  make_client();
  client_ = connect_transport(loop_, loopback_.address(), 5s, client_context_.get(), "a.test",
                              at_client_);
  const int fd = loopback_.accept();
  const int other = ::dup(fd);
  server_ = make_tls_server_transport(loop_, fd, SocketAddress(), loopback_.address(),
                                      *server_context_, at_server_);
  ASSERT_TRUE(both_open());
  ASSERT_EQ(::send(other, "\x17\x03\x03\x00\x14 twenty bytes of rot", 25, 0), 25);
  EXPECT_TRUE(until([&] { return at_client_.failed_with(ErrorCode::upstream_reset); }));
  EXPECT_TRUE(until([&] { return at_server_.failed_with(ErrorCode::client_closed); }))
      << "it hears the alert";
  ::close(other);
}

// A client whose records are sent by hand, cut as one likes.
class TlsRecordsTest : public TlsTransportTest {
 protected:
  ~TlsRecordsTest() override { ::close(fd_); }
  void shake_hands() {
    make_server();
    fd_ = loopback_.dial();
    accept();
    SSL_set_fd(ssl_.get(), fd_);
    ASSERT_EQ(::fcntl(fd_, F_SETFL, O_NONBLOCK), 0);
    ASSERT_TRUE(until([&] { return SSL_connect(ssl_.get()) == 1 && at_server_.opened == 1; }));
    SSL_set0_wbio(ssl_.get(), records_);
  }
  std::string seal(std::initializer_list<std::string_view> texts) {
    for (const std::string_view text : texts) {
      EXPECT_GT(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), 0);
      sent_ += text;
    }
    std::string sealed(BIO_ctrl_pending(records_), ' ');
    BIO_read(records_, sealed.data(), static_cast<int>(sealed.size()));
    return sealed;
  }
  void send(std::string_view bytes) {
    const std::uint64_t before = server_->bytes_read();
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    ASSERT_TRUE(until([&] { return server_->bytes_read() == before + bytes.size(); }));
  }

  int fd_ = -1;
  SslCtxPtr context_{SSL_CTX_new(TLS_client_method())};
  SslPtr ssl_{SSL_new(context_.get())};
  BIO* records_ = BIO_new(BIO_s_mem());
  std::string sent_;
};

// Buffers are given back between reads, never under a record of which a part is there.
TEST_F(TlsRecordsTest, ARecordMayComeByteByByte) {
  shake_hands();
  for (const std::string_view text : {"one", "two", "three"}) {
    const std::string sealed = seal({text});
    for (std::size_t i = 0; i < sealed.size(); ++i) send(std::string_view(sealed).substr(i, 1));
    EXPECT_EQ(at_server_.received, sent_);
  }
}

// Nothing that was whole waits in OpenSSL's buffer for more bytes.
TEST_F(TlsRecordsTest, SeveralRecordsMayBeCutAnywhere) {
  shake_hands();
  std::size_t cut = 1;
  for (std::size_t size = 2; cut < size; ++cut) {
    const std::string before = sent_ + "one";
    const std::string sealed = seal({"one", "two", "three"});
    size = sealed.size();
    send(std::string_view(sealed).substr(0, cut));
    EXPECT_TRUE(cut < size / 2 || at_server_.received.starts_with(before)) << cut;
    send(std::string_view(sealed).substr(cut));
    ASSERT_EQ(at_server_.received, sent_) << cut;
  }
}

}  // namespace
}  // namespace gateway::net
