#pragma once

struct ossl_lib_ctx_st;
struct ossl_provider_st;

namespace gateway::net {

/// OpenSSL's own AES-GCM with one question answered at once: how long the nonce is. The record
/// layer of OpenSSL 3.0 asks four times per request and reply, and each time the answer is searched
/// in a list of named parameters. Key schedule, encryption and tags stay the default provider's
/// code; a nonce that is not TLS's 12 bytes is refused. See docs/decisions for the figures.
///
/// An OSSL_PROVIDER per library context that `default_provider` is loaded into; ciphers are taken
/// from it where they can be. Null when the default provider has none to stand in for: nothing is
/// changed then. Unload it before the default one.
ossl_provider_st* load_gcm_provider(ossl_lib_ctx_st* library, ossl_provider_st* default_provider);

}  // namespace gateway::net
