#include "gateway/net/tls_library.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "gateway/base/check.h"
#include "gateway/net/provider.h"

namespace gateway::net {

TlsLibrary::TlsLibrary() : context_(OSSL_LIB_CTX_new()) {
  GATEWAY_CHECK(context_ != nullptr);
  default_ = OSSL_PROVIDER_load(context_, "default");
  GATEWAY_CHECK(default_ != nullptr);
  own_ = load_provider(context_, default_);
}

TlsLibrary::~TlsLibrary() {
  if (own_ != nullptr) OSSL_PROVIDER_unload(own_);
  OSSL_PROVIDER_unload(default_);
  OSSL_LIB_CTX_free(context_);
}

}  // namespace gateway::net
