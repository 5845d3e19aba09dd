#include "gateway/filter/token_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "gateway/base/check.h"

namespace gateway::filter {
namespace {

// Fetching an algorithm costs far more than the digest: once per thread.
struct Digester {
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  struct FreeDigest {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  };
  std::unique_ptr<EVP_MD, FreeDigest> digest{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

}  // namespace

TokenHash hash_token(std::string_view token) {
  thread_local Digester digester;
  TokenHash hash;
  const bool done =
      EVP_DigestInit_ex2(digester.context.get(), digester.digest.get(), nullptr) == 1 &&
      EVP_DigestUpdate(digester.context.get(), token.data(), token.size()) == 1 &&
      EVP_DigestFinal_ex(digester.context.get(), hash.data(), nullptr) == 1;
  GATEWAY_CHECK(done);
  return hash;
}

bool equal_in_constant_time(const TokenHash& a, const TokenHash& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gateway::filter
