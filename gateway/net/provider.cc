#include "gateway/net/provider.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "gateway/net/provider_parts.h"

namespace gateway::net {
namespace {

constexpr const char* kName = "gateway";

// OpenSSL hands nothing of ours to `begin`.
thread_local OSSL_PROVIDER* standing_in_for = nullptr;

const OSSL_ALGORITHM* query(void* /*context*/, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_CIPHER: return gcm_rows(nullptr);
    case OSSL_OP_KDF: return kdf_rows();
    case OSSL_OP_KEYMGMT: return x25519_key_rows(nullptr);
    case OSSL_OP_KEYEXCH: return x25519_exchange_rows(nullptr);
    default: return nullptr;
  }
}

int capabilities(void* /*context*/, const char* capability, OSSL_CALLBACK* tell, void* argument) {
  return x25519_capabilities(capability, tell, argument);
}

int begin(const OSSL_CORE_HANDLE* /*handle*/, const OSSL_DISPATCH* /*in*/,
          const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH functions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<DispatchFunction>(&query)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<DispatchFunction>(&capabilities)},
      {0, nullptr}};
  *out = functions;
  // The default provider's functions are called with what they expect: its own context.
  *context = OSSL_PROVIDER_get0_provider_ctx(standing_in_for);
  return 1;
}

void make_rows(OSSL_PROVIDER* default_provider) {
  gcm_rows(default_provider);
  x25519_key_rows(default_provider);
  x25519_exchange_rows(default_provider);
}

}  // namespace

OSSL_PROVIDER* load_provider(OSSL_LIB_CTX* library, OSSL_PROVIDER* default_provider) {
  if (default_provider == nullptr) return nullptr;
  make_rows(default_provider);
  standing_in_for = default_provider;
  OSSL_PROVIDER* provider = nullptr;
  if (OSSL_PROVIDER_add_builtin(library, kName, &begin) == 1)
    provider = OSSL_PROVIDER_load(library, kName);
  standing_in_for = nullptr;
  if (provider != nullptr) EVP_set_default_properties(library, "?provider=gateway");
  return provider;
}

}  // namespace gateway::net
