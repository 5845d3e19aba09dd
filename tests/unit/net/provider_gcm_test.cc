#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "gateway/net/tls_library.h"

namespace gateway::net {
namespace {

struct Free {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Free>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free>;

constexpr unsigned char kKey[32] = {7, 1, 9};
constexpr unsigned char kNonce[16] = {4, 2};

/// Ciphertext and tag of a short text, or empty when any step is refused.
std::string sealed(const EVP_CIPHER* cipher, int nonce_size) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  unsigned char out[64];
  int size = 0;
  int rest = 0;
  const bool done =
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, nonce_size, nullptr) == 1 &&
      EVP_EncryptInit_ex(context.get(), nullptr, nullptr, kKey, kNonce) == 1 &&
      EVP_EncryptUpdate(context.get(), out, &size,
                        reinterpret_cast<const unsigned char*>("a record"), 8) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, out + size + rest) == 1;
  if (!done) return {};
  EXPECT_EQ(EVP_CIPHER_CTX_get_iv_length(context.get()), nonce_size);
  return {reinterpret_cast<char*>(out), static_cast<std::size_t>(size + rest + 16)};
}

class GcmProviderTest : public testing::TestWithParam<const char*> {
 protected:
  TlsLibrary library_;
  Cipher ours_{EVP_CIPHER_fetch(library_.context(), GetParam(), nullptr)};
  Cipher plain_{EVP_CIPHER_fetch(nullptr, GetParam(), "provider=default")};
};

TEST_P(GcmProviderTest, SealsAsOpensslDoes) {
  ASSERT_TRUE(ours_ && plain_);
  EXPECT_FALSE(sealed(plain_.get(), 12).empty());
  EXPECT_EQ(sealed(ours_.get(), 12), sealed(plain_.get(), 12));
}

TEST_P(GcmProviderTest, RefusesOtherNonces) {
  ASSERT_TRUE(ours_ && plain_);
  EXPECT_FALSE(sealed(plain_.get(), 16).empty());
  EXPECT_EQ(sealed(ours_.get(), 16), "");
}

INSTANTIATE_TEST_SUITE_P(Ciphers, GcmProviderTest, testing::Values("AES-128-GCM", "AES-256-GCM"));

}  // namespace
}  // namespace gateway::net
