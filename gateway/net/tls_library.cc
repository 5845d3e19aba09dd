#include "gateway/net/tls_library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "gateway/base/check.h"

namespace gateway::net {

TlsLibrary::TlsLibrary() : context_(OSSL_LIB_CTX_new()) { GATEWAY_CHECK(context_ != nullptr); }

TlsLibrary::~TlsLibrary() { OSSL_LIB_CTX_free(context_); }

}  // namespace gateway::net
