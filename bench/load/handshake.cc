// New connection + full TLS handshake + one request, over and over; the connection closes after the
// answer. Runs until --count connections are done or --seconds have passed, whichever is given.
#include <cstdio>
#include <limits>
#include <vector>

#include "bench/common/flags.h"
#include "bench/common/http_client.h"

namespace {

using bench::ClientThread;
using bench::HttpsClient;

constexpr int kMostFailures = 1000;

class Handshakes : public bench::ClientEvents {
 public:
  Handshakes(ClientThread& thread, size_t connections, long count)
      : thread_(thread), clients_(connections), left_to_start_(count) {
    for (size_t slot = 0; slot < connections; ++slot) start(slot);
  }

  bool done() const { return running_ == 0 || failed_ >= kMostFailures; }
  void stop_starting() { left_to_start_ = 0; }
  long completed() const { return completed_; }
  long failed() const { return failed_; }
  long resumed() const { return resumed_; }
  const std::string& description() const { return description_; }

  void on_connected(HttpsClient& client) override {
    if (description_.empty()) description_ = client.tls().description();
    if (client.tls().resumed()) ++resumed_;
    client.send("GET /jobs HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n");
  }

  void on_response(HttpsClient& client, const bench::ResponseReader& response) override {
    ++(response.status() == 200 ? completed_ : failed_);
    replace(client.slot);
  }

  void on_lost(HttpsClient& client) override {
    ++failed_;
    replace(client.slot);
  }

 private:
  void start(size_t slot) {
    if (left_to_start_ == 0) return;
    --left_to_start_;
    ++running_;
    clients_[slot] = std::make_unique<HttpsClient>(thread_, *this);
    clients_[slot]->slot = slot;
  }

  void replace(size_t slot) {
    HttpsClient::close(std::move(clients_[slot]));
    --running_;
    start(slot);
  }

  ClientThread& thread_;
  std::vector<std::unique_ptr<HttpsClient>> clients_;
  std::string description_;
  long left_to_start_;
  long running_ = 0;
  long completed_ = 0;
  long failed_ = 0;
  long resumed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  ClientThread thread(static_cast<uint16_t>(flags.number("port", 0)));
  const int64_t start = bench::now_ns();
  const int64_t end = start + static_cast<int64_t>(flags.real("seconds", 60) * 1e9);
  Handshakes handshakes(thread, static_cast<size_t>(flags.number("connections", 8)),
                        flags.number("count", std::numeric_limits<long>::max()));
  while (!handshakes.done()) {
    thread.loop.turn(100'000'000);
    const int64_t now = bench::now_ns();
    if (now > end) handshakes.stop_starting();
    if (now > end + 10'000'000'000) break;
  }
  std::printf(
      "{\"requests\": %ld, \"failed\": %ld, \"resumed\": %ld, \"seconds\": %.6f, \"tls\": "
      "\"%s\"}\n",
      handshakes.completed(), handshakes.failed(), handshakes.resumed(),
      static_cast<double>(bench::now_ns() - start) / 1e9, handshakes.description().c_str());
}
