// Open-loop latency: requests are due at random instants of a Poisson process of --rate per second,
// whether or not earlier ones were answered. Latency counts from the instant a request was due, so
// a stall of the proxy is charged to every request that it delayed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <random>
#include <vector>

#include "bench/common/flags.h"
#include "bench/common/http_client.h"

namespace {

using bench::ClientThread;
using bench::HttpsClient;

constexpr size_t kMostWaiting = 1'000'000;

class OpenLoop : public bench::ClientEvents {
 public:
  OpenLoop(ClientThread& thread, size_t connections, const std::string& path)
      : thread_(thread),
        head_("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n") {
    for (size_t slot = 0; slot < connections; ++slot) {
      clients_.push_back(std::make_unique<HttpsClient>(thread_, *this));
      clients_.back()->slot = slot;
    }
  }

  bool connected() const { return free_.size() == clients_.size(); }
  bool idle() const { return waiting_.empty() && in_flight_ == 0; }
  size_t failed() const { return failed_; }
  std::vector<int64_t>& latencies() { return latencies_; }

  void due(int64_t intended_ns) {
    if (waiting_.size() >= kMostWaiting) {
      ++failed_;
      return;
    }
    waiting_.push_back(intended_ns);
    send_waiting();
  }

  void on_connected(HttpsClient& client) override { release(client); }

  void on_response(HttpsClient& client, const bench::ResponseReader& response) override {
    --in_flight_;
    if (response.status() == 200) {
      latencies_.push_back(bench::now_ns() - client.intended_ns);
    } else {
      ++failed_;
    }
    release(client);
  }

  void on_lost(HttpsClient& client) override {
    ++failed_;
    if (client.intended_ns != 0) --in_flight_;
    const size_t slot = client.slot;
    std::erase(free_, &client);
    HttpsClient::close(std::move(clients_[slot]));
    if (failed_ > 1000) bench::die("over 1000 requests failed");
    clients_[slot] = std::make_unique<HttpsClient>(thread_, *this);
    clients_[slot]->slot = slot;
  }

 private:
  void release(HttpsClient& client) {
    client.intended_ns = 0;
    free_.push_back(&client);
    send_waiting();
  }

  void send_waiting() {
    while (!waiting_.empty() && !free_.empty()) {
      HttpsClient& client = *free_.front();
      free_.pop_front();
      client.intended_ns = waiting_.front();
      waiting_.pop_front();
      ++in_flight_;
      client.send(head_);
    }
  }

  ClientThread& thread_;
  std::string head_;
  std::vector<std::unique_ptr<HttpsClient>> clients_;
  std::deque<HttpsClient*> free_;
  std::deque<int64_t> waiting_;
  std::vector<int64_t> latencies_;
  size_t in_flight_ = 0;
  size_t failed_ = 0;
};

double percentile_us(const std::vector<int64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(part * static_cast<double>(sorted.size())) - 1;
  return static_cast<double>(sorted[static_cast<size_t>(std::max(rank, 0.0))]) / 1000.0;
}

void run(ClientThread& thread, OpenLoop& load, double rate, double seconds, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(rate);
  const int64_t end = bench::now_ns() + static_cast<int64_t>(seconds * 1e9);
  double due = static_cast<double>(bench::now_ns());
  while (static_cast<int64_t>(due) < end) {
    const int64_t now = bench::now_ns();
    while (static_cast<int64_t>(due) <= now && static_cast<int64_t>(due) < end) {
      load.due(static_cast<int64_t>(due));
      due += gap(random) * 1e9;
    }
    thread.loop.turn(std::max<int64_t>(0, static_cast<int64_t>(due) - bench::now_ns()));
  }
  while (!load.idle() && bench::now_ns() < end + 10'000'000'000) thread.loop.turn(10'000'000);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const double rate = flags.real("rate", 1000);
  const double seconds = flags.real("seconds", 5);
  ClientThread thread(static_cast<uint16_t>(flags.number("port", 0)));
  OpenLoop load(thread, static_cast<size_t>(flags.number("connections", 64)),
                flags.text("path", "/jobs"));
  const int64_t give_up = bench::now_ns() + 10'000'000'000;
  while (!load.connected()) {
    thread.loop.turn(100'000'000);
    if (bench::now_ns() > give_up) bench::die("the connections did not open within 10 s");
  }
  run(thread, load, rate, std::min(flags.real("warm-up", 1), seconds), 1);
  load.latencies().clear();
  run(thread, load, rate, seconds, static_cast<uint64_t>(flags.number("seed", 2)));
  std::vector<int64_t>& all = load.latencies();
  std::sort(all.begin(), all.end());
  std::printf(
      "{\"requests\": %zu, \"failed\": %zu, \"rate\": %.1f, \"p50_us\": %.1f, \"p90_us\": %.1f, "
      "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
      all.size(), load.failed(), rate, percentile_us(all, 0.5), percentile_us(all, 0.9),
      percentile_us(all, 0.99), percentile_us(all, 0.999), percentile_us(all, 1));
}
