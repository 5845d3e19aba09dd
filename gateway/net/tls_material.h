#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/net/certificate.h"
#include "gateway/net/openssl.h"

/// What both sides of TLS make from certificates; for net/ alone.
namespace gateway::net {

/// OpenSSL's objects of one certificate, of one library.
struct BoundCertificate {
  X509Ptr leaf;
  ChainPtr chain;
  KeyPtr key;
};

Result<BoundCertificate> bind(const Certificate& certificate, OSSL_LIB_CTX* library);

/// The certificates of a PEM bundle become trusted; `path` is where it came from, for the error.
Result<void> trust(SSL_CTX* context, std::string_view bundle, const std::string& path);

/// The names of the bundle's certificates are what clients are told to choose theirs by.
void name_client_authorities(SSL_CTX* context, std::string_view bundle);

/// The certificates of a PEM text become trusted, and its revocation lists are heeded: with one of
/// them every certificate of a chain must be looked up. Refuses what cannot be read whole. Their
/// names, in `names` if that is there, are what clients are told to choose theirs by.
Result<void> trust_clients_of(X509_STORE* store, std::string_view pem, OSSL_LIB_CTX* library,
                              STACK_OF(X509_NAME) * names = nullptr);

/// The length-prefixed list of RFC 7301.
std::string alpn_wire(std::span<const std::string_view> protocols);

}  // namespace gateway::net
