#include <thread>
#include <vector>

#include "bench/common/flags.h"
#include "bench/floors/relay.h"

// --port, --backend, --threads; --certificate and --key for TLS.
int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  bench::RelayOptions options;
  options.port = static_cast<uint16_t>(flags.number("port", 0));
  options.backend_port = static_cast<uint16_t>(flags.number("backend", 9000));
  options.certificate = flags.text("certificate", "");
  options.key = flags.text("key", "");
  const long threads = flags.number("threads", 1);
  options.share_port = threads > 1;
  std::vector<std::thread> others;
  for (long i = 1; i < threads; ++i) {
    others.emplace_back([options] { bench::Relay(options).run(); });
  }
  bench::Relay(options).run();
}
