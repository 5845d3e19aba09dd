// --connections keep-alive HTTPS connections move bodies of --bytes, --direction down or up, for
// --seconds, and count the body bytes of complete exchanges.
#include <cstdio>
#include <vector>

#include "bench/common/flags.h"
#include "bench/common/http_client.h"

namespace {

using bench::ClientThread;
using bench::HttpsClient;

class Bulk : public bench::ClientEvents {
 public:
  Bulk(ClientThread& thread, size_t connections, uint64_t bytes, bool up)
      : thread_(thread), bytes_(bytes), up_(up), clients_(connections) {
    const std::string size = std::to_string(bytes);
    head_ = up ? "POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + size + "\r\n\r\n"
               : "GET /bytes/" + size + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (size_t slot = 0; slot < connections; ++slot) {
      clients_[slot] = std::make_unique<HttpsClient>(thread_, *this);
      clients_[slot]->slot = slot;
      ++running_;
    }
  }

  bool done() const { return running_ == 0; }
  void stop() { stopping_ = true; }
  uint64_t completed() const { return completed_; }
  uint64_t failed() const { return failed_; }

  void on_connected(HttpsClient& client) override { client.send(head_, up_ ? bytes_ : 0); }

  void on_response(HttpsClient& client, const bench::ResponseReader& response) override {
    const bool right = response.status() == 200 && (up_ || response.body_bytes() == bytes_);
    ++(right ? completed_ : failed_);
    if (stopping_ || !right) return drop(client);
    client.send(head_, up_ ? bytes_ : 0);
  }

  void on_lost(HttpsClient& client) override {
    ++failed_;
    drop(client);
  }

 private:
  void drop(HttpsClient& client) {
    --running_;
    HttpsClient::close(std::move(clients_[client.slot]));
  }

  ClientThread& thread_;
  uint64_t bytes_;
  bool up_;
  std::string head_;
  std::vector<std::unique_ptr<HttpsClient>> clients_;
  size_t running_ = 0;
  bool stopping_ = false;
  uint64_t completed_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const auto bytes = static_cast<uint64_t>(flags.number("bytes", 10'000'000));
  ClientThread thread(static_cast<uint16_t>(flags.number("port", 0)));
  const int64_t start = bench::now_ns();
  const int64_t end = start + static_cast<int64_t>(flags.real("seconds", 3) * 1e9);
  Bulk bulk(thread, static_cast<size_t>(flags.number("connections", 4)), bytes,
            flags.text("direction", "down") == "up");
  while (!bulk.done() && bench::now_ns() < end + 20'000'000'000) {
    thread.loop.turn(50'000'000);
    if (bench::now_ns() > end) bulk.stop();
  }
  std::printf("{\"requests\": %lu, \"failed\": %lu, \"bytes\": %lu, \"seconds\": %.6f}\n",
              bulk.completed(), bulk.failed(), bulk.completed() * bytes,
              static_cast<double>(bench::now_ns() - start) / 1e9);
}
