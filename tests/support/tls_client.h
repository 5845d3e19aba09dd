#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "support/socket.h"

namespace gateway::test {

/// A blocking TLS client that asks for `server_name` and shows no interest in who answers.
class TlsClient {
 public:
  struct Options {
    std::string server_name;
    int max_version = TLS1_3_VERSION;
    std::string certificate;  ///< file names; empty: none
    std::string key;
    SSL_SESSION* session = nullptr;  ///< of another connection, to be taken up
  };

  TlsClient(std::uint16_t port, const Options& options) : socket_(Socket::connect(port)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    // Old versions are off at the default security level: the server must be the one to refuse.
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
    if (!options.certificate.empty()) {
      SSL_CTX_use_certificate_file(context_.get(), options.certificate.c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context_.get(), options.key.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.fd());
    SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  /// After an answer, with which the ticket came.
  std::shared_ptr<SSL_SESSION> session() const {
    return {SSL_get1_session(ssl_.get()), SSL_SESSION_free};
  }
  /// Whether the server has ended the connection.
  bool ended() {
    char byte;
    return SSL_read(ssl_.get(), &byte, 1) <= 0;
  }
  SSL* ssl() { return ssl_.get(); }

  /// Sends and reads until the answer's head and the body that its Content-Length tells are there,
  /// or the connection ends.
  std::string fetch(std::string_view request) {
    if (SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) return {};
    std::string text;
    char bytes[4096];
    while (!is_whole(text)) {
      const int count = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (count <= 0) break;
      text.append(bytes, static_cast<std::size_t>(count));
    }
    return text;
  }
  int status(std::string_view request) {
    const std::string text = fetch(request);
    return text.size() < 12 ? 0 : std::stoi(text.substr(9, 3));
  }

 private:
  static bool is_whole(const std::string& text) {
    const auto head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::string length = field_of(text.substr(0, head + 2), "content-length");
    return !length.empty() && text.size() >= head + 4 + std::stoul(length);
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Socket socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  bool connected_ = false;
};

}  // namespace gateway::test
