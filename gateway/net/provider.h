#pragma once

struct ossl_lib_ctx_st;
struct ossl_provider_st;

namespace gateway::net {

/// What of OpenSSL's default provider is slower than it need be, in a provider of our own that
/// algorithms are taken from where it has them: AES-GCM that knows the length of its nonce, the key
/// schedule of TLS 1.3, and X25519 keys made by the quick ladder. The ciphers and curves stay the
/// default provider's code. See docs/decisions for the figures.
///
/// An OSSL_PROVIDER per library context that `default_provider` is loaded into. Parts that the
/// default provider has nothing to stand in for are left out; null when it cannot be loaded, which
/// changes nothing. Unload it before the default one.
ossl_provider_st* load_provider(ossl_lib_ctx_st* library, ossl_provider_st* default_provider);

}  // namespace gateway::net
