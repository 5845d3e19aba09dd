#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/net/certificate_set.h"
#include "gateway/net/client_authorities.h"
#include "gateway/net/ticket_keys.h"
#include "gateway/net/tls_library.h"

struct ssl_ctx_st;
struct ssl_st;

namespace gateway::net {

/// How one listener answers handshakes on one worker: one SSL_CTX, however many hosts there are;
/// the certificate is chosen per connection, by name and by what the client can verify. Made
/// anywhere, then used on its worker alone. Connections keep what they need of it: it may die
/// before them, its library may not.
class ServerTlsContext {
 public:
  /// Reads `settings.client_ca`; the certificates were loaded before. `listener` is part of what a
  /// ticket is bound to. `alpn` in our order of preference; a client that offers none of it is
  /// refused (RFC 7301 §3.2), one that offers nothing is served. `client_ca` are the authorities of
  /// client certificates as PEM text, for those that come from no file; empty: read
  /// `settings.client_ca`.
  static Result<std::unique_ptr<ServerTlsContext>> make(
      TlsLibrary& library, const config::ListenerTls& settings, std::string_view listener,
      std::shared_ptr<const CertificateSet> certificates, std::shared_ptr<const TicketKeys> tickets,
      std::span<const std::string_view> alpn, std::string client_ca = {});
  ~ServerTlsContext();
  ServerTlsContext(const ServerTlsContext&) = delete;
  ServerTlsContext& operator=(const ServerTlsContext&) = delete;

  /// For the handshakes that begin from now on. Worker thread. `authorities`: whose clients are
  /// asked for a certificate, by server name; null: nobody's. It is asked for, never demanded: what
  /// comes of none is for whoever knows the request. One that does not verify ends the handshake.
  /// Without effect where the listener's settings ask by themselves.
  void use(std::shared_ptr<const CertificateSet> certificates,
           std::shared_ptr<const ClientAuthorities> authorities = nullptr);

  Duration handshake_timeout() const { return handshake_timeout_; }
  /// A reference for a transport.
  ssl_ctx_st* share();

 private:
  struct Core;
  explicit ServerTlsContext(Core& core) : core_(core) {}

  Core& core_;  // lives as long as its SSL_CTX: as the last connection
  Duration handshake_timeout_{};
};

/// By which authority the server asked in this handshake, of those that ServerTlsContext::use() was
/// given; null: by none.
const ClientAuthority* asked_authority(ssl_st* ssl);

}  // namespace gateway::net
