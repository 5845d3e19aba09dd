#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/metrics/registry.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/listeners.h"
#include "gateway/server/worker.h"
#include "gateway/snapshot/snapshot.h"
#include "gateway/upstream/endpoint_directory.h"
#include "gateway/upstream/endpoint_registry.h"

namespace gateway::test {

/// One real worker on its own thread, serving a configuration that stands in the test. Listeners
/// say `address: '127.0.0.1:0'` and get a free port. Without the control thread: no active checks,
/// no admin pages, and DNS only by a name server of the test. A configuration that does not load
/// fails the test by an exception that says why.
class Gateway {
 public:
  /// Changes an update after it was found valid and before the worker gets it.
  using Tamper = std::function<void(server::WorkerUpdate&)>;

  /// `name_server`: "127.0.0.1:5353"; empty: no name is ever resolved.
  explicit Gateway(const std::string& yaml, const std::string& name_server = {});
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Swaps to another configuration; returns when the worker serves it, or throws and leaves all as
  /// it was. Listeners keep their ports.
  void reload(const std::string& yaml, const Tamper& tamper = {});
  std::uint16_t port(std::string_view listener = "http") const;
  upstream::EndpointSetPtr endpoints(std::string_view upstream) const {
    const std::lock_guard lock(directory_mutex_);
    return directory_.find(upstream);
  }
  Registry& registry() { return registry_; }

 private:
  class Names;

  SteadyClock clock_;
  Registry registry_{1, clock_};
  server::ProcessCompileServices services_;
  upstream::EndpointRegistry endpoint_registry_;
  upstream::EndpointDirectory directory_{endpoint_registry_, clock_};
  mutable std::mutex directory_mutex_;
  std::unique_ptr<Names> names_;
  net::TlsLibrary tls_library_;
  net::CertificateStore certificates_;
  server::Listeners listeners_{1, tls_library_, certificates_};
  server::Worker worker_{0, registry_.worker(0), nullptr};
  std::shared_ptr<const snapshot::Snapshot> snapshot_;
  std::map<std::string, std::uint16_t, std::less<>> ports_;
  std::uint64_t generation_ = 0;
};

}  // namespace gateway::test
