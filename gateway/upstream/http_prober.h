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
  /// How the control thread reaches an upstream over TLS; null for plain ones.
  using TlsOf = std::function<std::shared_ptr<net::ClientTlsContext>(const std::string& upstream)>;

  HttpProber(EventLoop& loop, TlsOf tls_of) : loop_(loop), tls_of_(std::move(tls_of)) {}

  /// The upstreams of a new configuration, before ActiveHealth hears of them.
  void configure(const std::vector<config::Upstream>& upstreams);
  std::unique_ptr<Probe> probe(const Endpoint& endpoint, const config::ActiveHealth& settings,
                               Callback<bool> done) override;

 private:
  EventLoop& loop_;
  TlsOf tls_of_;
  std::map<std::string, config::Upstream, std::less<>> upstreams_;
};

}  // namespace gateway::upstream
