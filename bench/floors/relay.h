#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/common/event_loop.h"
#include "bench/common/tls.h"

namespace bench {

struct RelayOptions {
  uint16_t port = 0;
  uint16_t backend_port = 0;
  bool share_port = false;
  std::string certificate;  // empty: no TLS
  std::string key;
};

class Link;
struct Side;

// The least that a proxy can do: bytes from a client go to a backend connection and back, with TLS
// on the client's side or without, and no HTTP. One thread. A backend connection that its client
// left is kept for the next client, which is right only while clients never leave before their
// answer.
class Relay : public Watched {
 public:
  explicit Relay(const RelayOptions& options);
  ~Relay() override;

  void run();
  void on_ready(uint32_t events) override;

 private:
  friend class Link;

  RelayOptions options_;
  EventLoop loop_;
  TlsThread tls_;
  Owned<SSL_CTX> context_;
  std::unique_ptr<char[]> received_;
  std::unique_ptr<char[]> plain_;
  std::vector<std::unique_ptr<Side>> idle_backends_;
  int listener_;
};

}  // namespace bench
