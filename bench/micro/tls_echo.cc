// Round trips of one small record over loopback sockets, and full handshakes: what the TLS
// transports cost by themselves. For callgrind, as the difference of two counts:
//   bench_tls_echo records N | handshakes N
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gateway/base/check.h"
#include "gateway/net/listen_socket.h"
#include "gateway/net/tls_client.h"
#include "gateway/net/tls_server.h"
#include "gateway/net/transport.h"

namespace {

using namespace gateway;
using namespace gateway::net;

constexpr std::string_view kAlpn[] = {"http/1.1"};
const std::string kRequest(120, 'q');
const std::string kAnswer(180, 'a');

/// Answers every delivery.
struct Server final : TransportOwner {
  void on_transport_open() override {}
  void on_transport_read(std::string_view) override { transport->write(kAnswer); }
  void on_transport_eof() override { transport->close(); }
  void on_transport_drained() override {}
  void on_transport_error(const Error& error) override { std::puts(error.to_string().c_str()); }
  std::unique_ptr<Transport> transport;
};

/// Asks as soon as it may, `left` times.
struct Client final : TransportOwner {
  void on_transport_open() override { transport->write(kRequest); }
  void on_transport_read(std::string_view) override {
    if (--left > 0)
      transport->write(kRequest);
    else
      transport->close();
  }
  void on_transport_eof() override {}
  void on_transport_drained() override {}
  void on_transport_error(const Error& error) override {
    std::puts(error.to_string().c_str());
    std::exit(1);
  }
  std::unique_ptr<Transport> transport;
  long left = 0;
};

std::shared_ptr<const Certificate> self_signed() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  const std::string certificate_pem(data, static_cast<std::size_t>(size));
  BIO_reset(bio);
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  size = BIO_get_mem_data(bio, &data);
  auto pair = Certificate::parse(certificate_pem, {data, static_cast<std::size_t>(size)});
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  GATEWAY_CHECK(pair.has_value());
  return *pair;
}

struct Stage {
  Stage() {
    auto opened = ListenSocket::open(SocketAddress(IpAddress::v4(INADDR_LOOPBACK), 0), 1, 16);
    GATEWAY_CHECK(opened.has_value());
    socket = opened->front();
    auto server =
        ServerTlsContext::make(server_library, {}, "bench", CertificateSet::make({self_signed()}),
                               std::make_shared<TicketKeys>(), kAlpn);
    GATEWAY_CHECK(server.has_value());
    server_context = std::move(*server);
    config::UpstreamTls trust;
    trust.verify = false;
    auto client = ClientTlsContext::make(client_library, trust);
    GATEWAY_CHECK(client.has_value());
    client_context = std::move(*client);
  }

  void run(long records) {
    Server server;
    Client client;
    client.left = records;
    loop.refresh_now();
    client.transport = connect_transport(loop, socket->address(), std::chrono::minutes(5),
                                         client_context.get(), "", client);
    const int fd = ::accept4(socket->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    server.transport =
        make_tls_server_transport(loop, fd, {}, socket->address(), *server_context, server);
    while (!client.transport->closed()) loop.run_once(std::chrono::seconds(1));
  }

  TlsLibrary server_library;
  TlsLibrary client_library;
  EventLoop loop;
  std::shared_ptr<ListenSocket> socket;
  std::unique_ptr<ServerTlsContext> server_context;
  std::unique_ptr<ClientTlsContext> client_context;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long count = std::atol(argv[2]);
  Stage stage;
  if (std::strcmp(argv[1], "records") == 0) {
    stage.run(count);
    return 0;
  }
  for (long i = 0; i < count; ++i) {
    stage.run(1);
    // Every handshake in full.
    config::UpstreamTls trust;
    trust.verify = false;
    stage.client_context = std::move(*ClientTlsContext::make(stage.client_library, trust));
  }
}
