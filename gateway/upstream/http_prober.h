#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/upstream/active_health.h"
#include "gateway/upstream/call.h"

namespace gateway::upstream {

/// Sends health probes as calls, each on a new connection to the one endpoint in question. They are
/// no part of the upstream's own numbers, limits or passive health. Loop thread only.
class HttpProber final : public Prober {
 public:
  /// How the control thread reaches an upstream over TLS; null when that cannot be: the probe
  /// fails. Asked once per upstream and configuration.
  using TlsOf = std::function<std::shared_ptr<net::ClientTlsContext>(const std::string& upstream)>;

  HttpProber(EventLoop& loop, TlsOf tls_of) : loop_(loop), tls_of_(std::move(tls_of)) {}

  /// The upstreams of a new configuration, before ActiveHealth hears of them.
  void configure(const config::SharedList<config::Upstream>& upstreams);
  std::unique_ptr<Probe> probe(const Endpoint& endpoint, const config::ActiveHealth& settings,
                               Callback<bool> done) override;

 private:
  EventLoop& loop_;
  TlsOf tls_of_;
  struct Target {
    config::Upstream settings;
    std::shared_ptr<net::ClientTlsContext> tls;
  };
  std::map<std::string, Target, std::less<>> targets_;
};

}  // namespace gateway::upstream
