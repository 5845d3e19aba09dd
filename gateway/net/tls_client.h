#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/net/certificate.h"
#include "gateway/net/tls_library.h"

struct ssl_st;

namespace gateway::net {

/// What the files of an upstream's TLS settings hold, or the texts that stand in their place: read
/// once for all workers, and equal while they hold the same. Or the same from no files, with
/// settings that name none. Immutable.
struct ClientTlsFiles {
  std::string ca;                                  ///< PEM bundle; empty: the system's
  std::shared_ptr<const Certificate> certificate;  ///< for mutual TLS, or null

  /// Fails when one cannot be read, or certificate and key do not belong together. Blocks on files.
  static Result<std::shared_ptr<const ClientTlsFiles>> load(const config::UpstreamTls& settings,
                                                            CertificateStore& store);
  bool operator==(const ClientTlsFiles&) const = default;
};

/// How one worker speaks TLS to one upstream: whom it trusts, who it is, and the sessions it may
/// resume. Connections keep what they need of it: it may die before them, its library may not.
class ClientTlsContext {
 public:
  /// Made anywhere, then used on its worker alone.
  static Result<std::unique_ptr<ClientTlsContext>> make(
      TlsLibrary& library, const config::UpstreamTls& settings, const ClientTlsFiles& files,
      std::span<const std::string_view> alpn = {});
  /// The same with files that are read now.
  static Result<std::unique_ptr<ClientTlsContext>> make(
      TlsLibrary& library, const config::UpstreamTls& settings,
      std::span<const std::string_view> alpn = {});
  ~ClientTlsContext();
  ClientTlsContext(const ClientTlsContext&) = delete;
  ClientTlsContext& operator=(const ClientTlsContext&) = delete;

  /// For a transport: ready to connect, with SNI, the name to verify and a session to resume. The
  /// caller owns it.
  ssl_st* new_connection(const SocketAddress& peer, std::string_view server_name);

 private:
  struct Core;
  explicit ClientTlsContext(Core& core) : core_(core) {}

  Core& core_;  // lives as long as its SSL_CTX: as the last connection
};

}  // namespace gateway::net
