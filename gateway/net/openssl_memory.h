#pragma once

namespace gateway::net {

/// Keeps a few freed blocks per thread of the one size that OpenSSL 3.0's record layer allocates
/// and frees four times per request and reply. Call it before anything else uses OpenSSL, which
/// otherwise refuses; then, and in sanitizer builds, nothing changes. See docs/decisions/130.
void keep_openssl_blocks();

}  // namespace gateway::net
