#include "gateway/server/metrics_api_service.h"

#include <utility>

#include "gateway/http/alpn.h"

namespace gateway::server {

MetricsApiService::MetricsApiService(EventLoop& loop, net::TlsLibrary& library,
                                     custom_metrics::ClusterSum& sum,
                                     custom_metrics::MetricsTarget& target,
                                     custom_metrics::Authorizer& authorizer)
    : loop_(loop), library_(library), handler_(sum, target, authorizer) {}

Result<void> MetricsApiService::open(const SocketAddress& address) {
  auto sockets = net::ListenSocket::open(address, 1, static_cast<int>(config::Listener().backlog));
  if (!sockets) return tl::make_unexpected(sockets.error());
  sockets_ = std::move(*sockets);
  address_ = sockets_.front()->address();
  return renew(certificate_, client_ca_);
}

Result<void> MetricsApiService::use_certificate(const net::PemPair& pair) {
  auto certificate = net::Certificate::parse(pair.certificate, pair.key);
  if (!certificate) return tl::make_unexpected(certificate.error());
  return renew(std::move(*certificate), client_ca_);
}

Result<void> MetricsApiService::use_front_proxy(custom_metrics::FrontProxy proxy) {
  if (auto renewed = renew(certificate_, proxy.client_ca); !renewed) return renewed;
  settings_.front_proxy = std::move(proxy.settings);
  handler_.configure(settings_);
  return {};
}

void MetricsApiService::serve_external(bool on) {
  settings_.external = on;
  handler_.configure(settings_);
}

void MetricsApiService::drain() {
  sockets_.clear();
  if (listener_) listener_->drain();
}

// A session that is resumed brings along a certificate that was verified then: without tickets an
// authority that was taken away counts at the next connection.
Result<void> MetricsApiService::renew(std::shared_ptr<const net::Certificate> certificate,
                                      const std::string& client_ca) {
  std::unique_ptr<net::ServerTlsContext> tls;
  if (certificate && !client_ca.empty()) {
    config::ListenerTls settings;
    settings.client_certificates = config::ClientCertificates::optional;
    settings.tickets = false;
    auto made = net::ServerTlsContext::make(
        library_, settings, "metrics API", net::CertificateSet::make({certificate}),
        std::make_shared<net::TicketKeys>(), http::kAlpn, client_ca);
    if (!made) return tl::make_unexpected(made.error());
    tls = std::move(*made);
  }
  certificate_ = std::move(certificate);
  client_ca_ = client_ca;
  if (!tls) return {};
  if (listener_) {
    listener_->use(std::move(tls));
  } else if (!sockets_.empty()) {
    // Without TLS in its model: there is one certificate, whatever name is asked for.
    config::Listener model;
    model.name = "metrics API";
    listener_ = std::make_unique<LocalListener>(loop_, model, handler_, std::move(sockets_),
                                                std::move(tls));
    sockets_.clear();
  }
  return {};
}

}  // namespace gateway::server
