// Opens --connections TLS connections, sends one request on each, prints "ready N" and holds them
// open until stdin ends.
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "bench/common/flags.h"
#include "bench/common/http_client.h"

namespace {

using bench::ClientThread;
using bench::HttpsClient;

constexpr size_t kOpeningAtOnce = 32;

class Idlers : public bench::ClientEvents {
 public:
  Idlers(ClientThread& thread, size_t connections) : thread_(thread), wanted_(connections) {
    clients_.reserve(wanted_);
    while (clients_.size() < std::min(kOpeningAtOnce, wanted_)) open();
  }

  bool settled() const { return answered_ + lost_ >= wanted_; }
  size_t held() const { return answered_ - lost_after_; }

  void on_connected(HttpsClient& client) override {
    client.send("GET /jobs HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n");
  }

  void on_response(HttpsClient& client, const bench::ResponseReader&) override {
    ++answered_;
    client.intended_ns = 1;
    if (clients_.size() < wanted_) open();
  }

  void on_lost(HttpsClient& client) override {
    ++(client.intended_ns != 0 ? lost_after_ : lost_);
    HttpsClient::close(std::move(clients_[client.slot]));
    if (clients_.size() < wanted_) open();
  }

 private:
  void open() {
    clients_.push_back(std::make_unique<HttpsClient>(thread_, *this));
    clients_.back()->slot = clients_.size() - 1;
  }

  ClientThread& thread_;
  std::vector<std::unique_ptr<HttpsClient>> clients_;
  size_t wanted_;
  size_t answered_ = 0;
  size_t lost_ = 0;
  size_t lost_after_ = 0;
};

bool stdin_ended() {
  pollfd in{0, POLLIN, 0};
  return poll(&in, 1, 0) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  ClientThread thread(static_cast<uint16_t>(flags.number("port", 0)));
  Idlers idlers(thread, static_cast<size_t>(flags.number("connections", 10'000)));
  const int64_t end = bench::now_ns() + flags.number("seconds", 120) * 1'000'000'000;
  while (!idlers.settled() && bench::now_ns() < end) thread.loop.turn(100'000'000);
  std::printf("ready %zu\n", idlers.held());
  std::fflush(stdout);
  while (!stdin_ended() && bench::now_ns() < end) thread.loop.turn(20'000'000);
  std::printf("held %zu\n", idlers.held());
}
