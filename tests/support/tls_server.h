#pragma once

#include <openssl/ssl.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/scripted_server.h"

namespace gateway::test {

/// An endpoint that speaks HTTPS with a certificate from two files, answers every request alike and
/// remembers what came.
class TlsServer {
 public:
  TlsServer(const std::string& certificate, const std::string& key,
            std::string answer = http_answer(200, "ok"))
      : answer_(std::move(answer)), context_(SSL_CTX_new(TLS_server_method())) {
    ::signal(SIGPIPE, SIG_IGN);  // of a client that has left; OpenSSL does not ask for quiet
    SSL_CTX_use_certificate_file(context_.get(), certificate.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM);
  }

  std::string address() const { return server_.address(); }
  std::uint16_t port() const { return server_.port(); }
  /// As asked for in handshakes that were completed; "-" for none.
  std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  void note(std::vector<std::string>& list, std::string text) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(text));
  }

  void serve(Peer& peer) {
    const std::unique_ptr<SSL, Free> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), peer.socket().fd());
    if (SSL_accept(ssl.get()) != 1) return;
    const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    note(names_, name == nullptr ? "-" : name);
    std::string text;
    char bytes[4096];
    while (true) {
      const int count = SSL_read(ssl.get(), bytes, sizeof bytes);
      if (count <= 0) return;
      text.append(bytes, static_cast<std::size_t>(count));
      if (!text.ends_with("\r\n\r\n")) continue;
      note(requests_, std::exchange(text, {}));
      if (SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size())) <= 0) return;
    }
  }

  const std::string answer_;
  std::unique_ptr<SSL_CTX, Free> context_;
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
  std::vector<std::string> requests_;
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

}  // namespace gateway::test
