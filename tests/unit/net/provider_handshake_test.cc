#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/openssl.h"
#include "gateway/net/tls_library.h"

namespace gateway::net {
namespace {

using Kdf = std::unique_ptr<EVP_KDF, OpensslDelete<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, OpensslDelete<EVP_KDF_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, OpensslDelete<EVP_PKEY_CTX_free>>;

struct Derivation {
  int mode;
  std::string digest;
  std::optional<std::string> key;
  std::optional<std::string> salt;
  std::string label;
  std::optional<std::string> data;
  std::size_t size;
};

OSSL_PARAM octets(const char* name, std::string& bytes) {
  return OSSL_PARAM_construct_octet_string(name, bytes.data(), bytes.size());
}

/// What the implementation answers, or nothing when it refuses.
std::optional<std::string> derived(const Kdf& kdf, Derivation asked) {
  std::string prefix = "tls13 ";
  std::vector<OSSL_PARAM> parameters = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &asked.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, asked.digest.data(), 0),
      octets(OSSL_KDF_PARAM_PREFIX, prefix), octets(OSSL_KDF_PARAM_LABEL, asked.label)};
  if (asked.key) parameters.push_back(octets(OSSL_KDF_PARAM_KEY, *asked.key));
  if (asked.salt) parameters.push_back(octets(OSSL_KDF_PARAM_SALT, *asked.salt));
  if (asked.data) parameters.push_back(octets(OSSL_KDF_PARAM_DATA, *asked.data));
  parameters.push_back(OSSL_PARAM_construct_end());
  const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  std::string out(asked.size, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  if (EVP_KDF_derive(context.get(), bytes, out.size(), parameters.data()) != 1) return {};
  return out;
}

class KeyScheduleTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ours_ && plain_);
    ASSERT_STREQ(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(ours_.get())), "gateway");
  }
  void compare(const Derivation& asked) {
    const auto expected = derived(plain_, asked);
    ASSERT_TRUE(expected) << asked.label;
    EXPECT_EQ(derived(ours_, asked), expected) << asked.label;
  }
  std::size_t size() const { return std::string_view(GetParam()) == "SHA2-256" ? 32 : 48; }

  TlsLibrary library_;
  Kdf ours_{EVP_KDF_fetch(library_.context(), OSSL_KDF_NAME_TLS1_3_KDF, nullptr)};
  Kdf plain_{EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, "provider=default")};
};

TEST_P(KeyScheduleTest, ExpandsAsOpensslDoes) {
  const std::string secret(size(), 's');
  const std::string hash(size(), 'h');
  constexpr int kMode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  for (const std::size_t wanted : {12UL, 16UL, 32UL, 48UL, 64UL, 200UL})
    compare({kMode, GetParam(), secret, {}, "c hs traffic", hash, wanted});
  compare({kMode, GetParam(), secret, {}, "key", {}, 16});
  compare({kMode, GetParam(), secret, {}, "resumption", std::string(2, '\0'), size()});
  compare({kMode, GetParam(), secret, {}, "", std::string(200, 'd'), size()});
}

TEST_P(KeyScheduleTest, ExtractsAsOpensslDoes) {
  const std::string secret(size(), 's');
  constexpr int kMode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  compare({kMode, GetParam(), {}, {}, "derived", {}, size()});
  compare({kMode, GetParam(), secret, {}, "derived", {}, size()});
  compare({kMode, GetParam(), {}, secret, "derived", {}, size()});
  compare({kMode, GetParam(), std::string(32, 'x'), secret, "derived", {}, size()});
  compare({kMode, GetParam(), std::string(133, 'x'), secret, "derived", {}, size()});
}

TEST_P(KeyScheduleTest, RefusesWhatItCannotAnswer) {
  const std::string secret(size(), 's');
  constexpr int kExpand = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  constexpr int kExtract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  EXPECT_FALSE(derived(ours_, {kExpand, "SHA2-512", secret, {}, "key", {}, 16}));
  EXPECT_FALSE(derived(ours_, {kExpand, GetParam(), {}, {}, "key", {}, 16}));
  EXPECT_FALSE(derived(ours_, {kExpand, GetParam(), std::string(300, 's'), {}, "key", {}, 16}));
  EXPECT_FALSE(derived(ours_, {kExpand, GetParam(), secret, {}, std::string(250, 'l'), {}, 16}));
  EXPECT_FALSE(derived(ours_, {kExpand, GetParam(), secret, {}, "key", {}, 255 * 48 + 1}));
  EXPECT_FALSE(derived(ours_, {kExtract, GetParam(), secret, {}, "derived", {}, 16}));
  EXPECT_FALSE(derived(ours_, {7, GetParam(), secret, {}, "key", {}, 16}));
}

INSTANTIATE_TEST_SUITE_P(Digests, KeyScheduleTest, testing::Values("SHA2-256", "SHA2-384"));

std::string half_of(EVP_PKEY* key, int (*half)(const EVP_PKEY*, unsigned char*, std::size_t*)) {
  std::string out(32, '\0');
  std::size_t size = out.size();
  EXPECT_EQ(half(key, reinterpret_cast<unsigned char*>(out.data()), &size), 1);
  out.resize(size);
  return out;
}

TEST(X25519KeysTest, PublicKeysAreThoseThatOpensslComputes) {
  TlsLibrary library;
  std::string last;
  for (int i = 0; i < 50; ++i) {
    const KeyPtr made(EVP_PKEY_Q_keygen(library.context(), nullptr, "X25519"));
    ASSERT_TRUE(made);
    ASSERT_STREQ(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(made.get())), "gateway");
    const std::string secret = half_of(made.get(), &EVP_PKEY_get_raw_private_key);
    const KeyPtr computed(EVP_PKEY_new_raw_private_key_ex(
        nullptr, "X25519", nullptr, reinterpret_cast<const unsigned char*>(secret.data()),
        secret.size()));
    EXPECT_EQ(half_of(made.get(), &EVP_PKEY_get_raw_public_key),
              half_of(computed.get(), &EVP_PKEY_get_raw_public_key));
    EXPECT_NE(secret, last) << "no secret is used twice";
    last = secret;
  }
}

TEST(X25519KeysTest, ParametersAloneAreNoKey) {
  TlsLibrary library;
  const KeyContext context(EVP_PKEY_CTX_new_from_name(library.context(), "X25519", nullptr));
  EVP_PKEY* made = nullptr;
  ASSERT_EQ(EVP_PKEY_paramgen_init(context.get()), 1);
  ASSERT_EQ(EVP_PKEY_paramgen(context.get(), &made), 1);
  const KeyPtr owned(made);
  EXPECT_EQ(half_of(made, &EVP_PKEY_get_raw_public_key), std::string(32, '\0'));
}

}  // namespace
}  // namespace gateway::net
