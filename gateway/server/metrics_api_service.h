#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/custom_metrics/custom_metrics_handler.h"
#include "gateway/net/certificate_authority.h"
#include "gateway/net/tls_server.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/server/local_listener.h"

namespace gateway::server {

/// The custom metrics API of one gateway process, as the API server's aggregation layer calls it:
/// TLS with a certificate in memory, client certificates verified by the front proxy's authority,
/// and a CustomMetricsHandler behind. Control thread.
///
/// Nobody is answered before there are both a certificate and a front proxy; connections wait in
/// the queue of the socket until then. Each may be replaced at any time and counts for the
/// handshakes that begin afterwards; the front proxy's settings count for the requests.
class MetricsApiService {
 public:
  /// All outlive it.
  MetricsApiService(EventLoop& loop, net::TlsLibrary& library, custom_metrics::ClusterSum& sum,
                    custom_metrics::MetricsTarget& target, custom_metrics::Authorizer& authorizer);

  /// Binds.
  Result<void> open(const SocketAddress& address);
  /// For "<service>.<namespace>.svc", by an authority of the APIServices' caBundle: a
  /// ServingAuthority's, or of whatever else issues them. Fails, changing nothing, for a broken
  /// pair.
  Result<void> use_certificate(const net::PemPair& pair);
  /// As kube-system/extension-apiserver-authentication says. Fails, changing nothing, when the
  /// bundle cannot be read.
  Result<void> use_front_proxy(custom_metrics::FrontProxy proxy);
  /// external.metrics.k8s.io as well; off at first.
  void serve_external(bool on);
  /// Stops accepting; answers what is asked already.
  void drain();

  /// Whether requests are answered.
  bool serving() const { return listener_ != nullptr; }
  SocketAddress address() const { return address_; }

 private:
  Result<void> renew(std::shared_ptr<const net::Certificate> certificate,
                     const std::string& client_ca);

  EventLoop& loop_;
  net::TlsLibrary& library_;
  custom_metrics::CustomMetricsHandler handler_;
  custom_metrics::CustomMetricsHandler::Settings settings_;
  std::string client_ca_;
  std::shared_ptr<const net::Certificate> certificate_;
  SocketAddress address_;
  std::vector<std::shared_ptr<net::ListenSocket>> sockets_;  ///< until there is a listener
  std::unique_ptr<LocalListener> listener_;
};

}  // namespace gateway::server
