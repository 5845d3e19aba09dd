#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bench/common/event_loop.h"
#include "bench/common/tls.h"

namespace bench {

// Finds where a response with a Content-Length ends. Enough for answers of a known backend behind a
// proxy; anything else counts as failed.
class ResponseReader {
 public:
  // Takes bytes of at most one response. True when it is complete.
  bool take(std::string_view bytes);
  bool failed() const { return failed_; }
  int status() const { return status_; }
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  bool read_head();

  std::string head_;
  bool in_body_ = false;
  bool failed_ = false;
  int status_ = 0;
  uint64_t left_ = 0;
  uint64_t body_bytes_ = 0;
};

class HttpsClient;

// Told about what happens to the connections of one thread.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  virtual void on_connected(HttpsClient& client) = 0;
  virtual void on_response(HttpsClient& client, const ResponseReader& response) = 0;
  // Connect, TLS or HTTP went wrong, or the peer closed. The client is dead afterwards.
  virtual void on_lost(HttpsClient& client) = 0;
};

// What the connections of one thread share.
struct ClientThread {
  EventLoop loop;
  TlsThread tls;
  Owned<SSL_CTX> context;
  std::unique_ptr<char[]> received = std::make_unique<char[]>(kBuffer);
  std::unique_ptr<char[]> plain = std::make_unique<char[]>(kBuffer);
  uint16_t port = 0;

  static constexpr size_t kBuffer = 256 * 1024;
  explicit ClientThread(uint16_t to_port) : context(tls.client_context()), port(to_port) {}
};

// One HTTPS connection with one request in flight at a time.
class HttpsClient : public Watched {
 public:
  HttpsClient(ClientThread& thread, ClientEvents& events);
  ~HttpsClient() override;

  // `body_bytes` zero bytes follow the head, as fast as the peer takes them.
  void send(std::string_view head, uint64_t body_bytes = 0);
  // Sends close_notify, closes, and deletes this at the end of the turn.
  static void close(std::unique_ptr<HttpsClient> client);

  void on_ready(uint32_t events) override;
  const TlsStream& tls() const { return tls_; }

  size_t slot = 0;  // for the owner's book-keeping
  int64_t intended_ns = 0;

 private:
  bool receive();
  bool flush();
  bool send_body();
  void lose();

  ClientThread& thread_;
  ClientEvents& events_;
  TlsStream tls_;
  ResponseReader reader_;
  std::string unsent_;
  uint64_t body_left_ = 0;
  int fd_;
  bool announced_ = false;
  bool dead_ = false;
};

}  // namespace bench
