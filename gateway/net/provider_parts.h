#pragma once

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

namespace gateway::net {

using DispatchFunction = void (*)();

constexpr const char* kProviderProperty = "provider=gateway";

/// The rows of one operation, ended by an empty one; made from the default provider's at the first
/// call, for good: they are code of libcrypto, the same for every library context. An empty list
/// when those are not as they are known to be.
const OSSL_ALGORITHM* gcm_rows(OSSL_PROVIDER* default_provider);
const OSSL_ALGORITHM* kdf_rows();
const OSSL_ALGORITHM* x25519_key_rows(OSSL_PROVIDER* default_provider);
const OSSL_ALGORITHM* x25519_exchange_rows(OSSL_PROVIDER* default_provider);

/// libssl uses a group only with keys of the provider that announces it.
int x25519_capabilities(const char* capability, OSSL_CALLBACK* tell, void* argument);

}  // namespace gateway::net
