#include "gateway/server/default_certificate.h"

#include <ctime>

#include "gateway/net/certificate_authority.h"

namespace gateway::server {
namespace {

constexpr const char* kName = "gateway default certificate";
/// RFC 6761 §6.4: a name that nobody will ever own.
constexpr const char* kHost = "gateway.invalid";
constexpr std::chrono::seconds kLife = std::chrono::hours(24 * 365 * 2);

}  // namespace

Result<config::PemPair> make_default_certificate() {
  const std::time_t now = std::time(nullptr);
  const auto authority = net::CertificateAuthority::make(kName, now, kLife);
  if (!authority) return tl::make_unexpected(authority.error());
  auto made = authority->issue(kName, {kHost}, now, kLife);
  if (!made) return tl::make_unexpected(made.error());
  return config::PemPair{kName, std::move(made->certificate), std::move(made->key), {}};
}

}  // namespace gateway::server
