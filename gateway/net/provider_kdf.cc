// The low-level digests are deprecated for what they do not know (other providers, FIPS), not for
// what they do; the ways around them cost ten times the hashing itself.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "gateway/net/provider_parts.h"

namespace gateway::net {
namespace {

struct Sha256 {
  using Context = SHA256_CTX;
  static constexpr std::size_t kSize = SHA256_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA256_CBLOCK;
  static constexpr auto kBegin = &SHA256_Init;
  static constexpr auto kAdd = &SHA256_Update;
  static constexpr auto kEnd = &SHA256_Final;
};

struct Sha384 {
  using Context = SHA512_CTX;
  static constexpr std::size_t kSize = SHA384_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA512_CBLOCK;
  static constexpr auto kBegin = &SHA384_Init;
  static constexpr auto kAdd = &SHA384_Update;
  static constexpr auto kEnd = &SHA384_Final;
};

/// A secret for the length of a call.
template <std::size_t Size>
struct Wiped : std::array<unsigned char, Size> {
  Wiped() : std::array<unsigned char, Size>{} {}
  ~Wiped() { OPENSSL_cleanse(this->data(), Size); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  std::string_view view() const { return {reinterpret_cast<const char*>(this->data()), Size}; }
};

/// RFC 2104, for keys of at most a block.
template <typename Hash>
class Hmac {
 public:
  explicit Hmac(std::string_view key) {
    begin(inner_, key, 0x36);
    begin(outer_, key, 0x5c);
  }
  ~Hmac() {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  void add(std::string_view bytes) { Hash::kAdd(&inner_, bytes.data(), bytes.size()); }
  void end(Wiped<Hash::kSize>& out) {
    Hash::kEnd(out.data(), &inner_);
    Hash::kAdd(&outer_, out.data(), out.size());
    Hash::kEnd(out.data(), &outer_);
  }

 private:
  static void begin(typename Hash::Context& context, std::string_view key, unsigned char pad) {
    Wiped<Hash::kBlock> block;
    std::memcpy(block.data(), key.data(), key.size());
    for (unsigned char& byte : block) byte ^= pad;
    Hash::kBegin(&context);
    Hash::kAdd(&context, block.data(), block.size());
  }

  typename Hash::Context inner_;
  typename Hash::Context outer_;
};

/// What a derivation is asked for; views of the caller's.
struct Question {
  int mode = -1;
  std::string_view digest;
  std::string_view key;
  std::string_view salt;
  std::string_view prefix;
  std::string_view label;
  std::string_view data;
};

std::string_view bytes_of(const OSSL_PARAM& parameter) {
  return {static_cast<const char*>(parameter.data), parameter.data_size};
}

// libssl says all of it anew each time, so nothing is kept between calls.
bool read(const OSSL_PARAM* each, Question& question) {
  for (; each != nullptr && each->key != nullptr; ++each) {
    const std::string_view name = each->key;
    if (name == OSSL_KDF_PARAM_MODE) {
      if (OSSL_PARAM_get_int(each, &question.mode) != 1) return false;
      continue;
    }
    if (each->data == nullptr) continue;
    if (name == OSSL_KDF_PARAM_DIGEST) question.digest = static_cast<const char*>(each->data);
    if (name == OSSL_KDF_PARAM_KEY) question.key = bytes_of(*each);
    if (name == OSSL_KDF_PARAM_SALT) question.salt = bytes_of(*each);
    if (name == OSSL_KDF_PARAM_PREFIX) question.prefix = bytes_of(*each);
    if (name == OSSL_KDF_PARAM_LABEL) question.label = bytes_of(*each);
    if (name == OSSL_KDF_PARAM_DATA) question.data = bytes_of(*each);
  }
  return true;
}

/// HKDF-Expand-Label (RFC 8446 §7.1) of `secret`.
template <typename Hash>
bool expand(std::string_view secret, const Question& question, std::string_view data, char* out,
            std::size_t size) {
  constexpr std::size_t kMostText = 255;
  constexpr std::size_t kMostBlocks = 255;  // RFC 5869 §2.3
  const std::size_t label = question.prefix.size() + question.label.size();
  if (secret.empty() || secret.size() > Hash::kBlock || label > kMostText ||
      data.size() > kMostText || size > kMostBlocks * Hash::kSize)
    return false;
  const char head[] = {static_cast<char>(size >> 8), static_cast<char>(size),
                       static_cast<char>(label)};
  const char data_size = static_cast<char>(data.size());
  Wiped<Hash::kSize> block;
  for (unsigned char number = 1; size > 0; ++number) {
    Hmac<Hash> hmac(secret);
    if (number > 1) hmac.add(block.view());
    hmac.add({head, sizeof head});
    hmac.add(question.prefix);
    hmac.add(question.label);
    hmac.add({&data_size, 1});
    hmac.add(data);
    hmac.add({reinterpret_cast<const char*>(&number), 1});
    hmac.end(block);
    const std::size_t count = std::min(size, Hash::kSize);
    std::memcpy(out, block.data(), count);
    out += count;
    size -= count;
  }
  return true;
}

/// The next secret from the one before, `salt`, and what is mixed in, `key`; each may be missing.
template <typename Hash>
bool extract(const Question& question, char* out, std::size_t size) {
  if (size != Hash::kSize) return false;
  Wiped<Hash::kSize> salt;
  if (!question.salt.empty()) {
    Wiped<Hash::kSize> of_nothing;
    typename Hash::Context context;
    Hash::kBegin(&context);
    Hash::kEnd(of_nothing.data(), &context);
    if (!expand<Hash>(question.salt, question, of_nothing.view(),
                      reinterpret_cast<char*>(salt.data()), salt.size()))
      return false;
  }
  const Wiped<Hash::kSize> zeros;
  // HMAC fills up its key with zeros: no salt and one of zeros are the same.
  Hmac<Hash> hmac(salt.view());
  hmac.add(question.key.empty() ? zeros.view() : question.key);
  Wiped<Hash::kSize> secret;
  hmac.end(secret);
  std::memcpy(out, secret.data(), secret.size());
  return true;
}

template <typename Hash>
bool answer(const Question& question, char* out, std::size_t size) {
  if (question.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY)
    return expand<Hash>(question.key, question, question.data, out, size);
  return question.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && extract<Hash>(question, out, size);
}

int derive(void* /*context*/, unsigned char* out, std::size_t size, const OSSL_PARAM parameters[]) {
  Question question;
  if (!read(parameters, question)) return 0;
  auto* bytes = reinterpret_cast<char*>(out);
  if (question.digest == "SHA2-256" || question.digest == "SHA256")
    return answer<Sha256>(question, bytes, size) ? 1 : 0;
  if (question.digest == "SHA2-384" || question.digest == "SHA384")
    return answer<Sha384>(question, bytes, size) ? 1 : 0;
  return 0;
}

void* new_context(void* provider) { return provider; }
void free_context(void* /*context*/) {}

}  // namespace

const OSSL_ALGORITHM* kdf_rows() {
  static const OSSL_DISPATCH functions[] = {
      {OSSL_FUNC_KDF_NEWCTX, reinterpret_cast<DispatchFunction>(&new_context)},
      {OSSL_FUNC_KDF_FREECTX, reinterpret_cast<DispatchFunction>(&free_context)},
      {OSSL_FUNC_KDF_DERIVE, reinterpret_cast<DispatchFunction>(&derive)},
      {0, nullptr}};
  static const OSSL_ALGORITHM rows[] = {
      {OSSL_KDF_NAME_TLS1_3_KDF, kProviderProperty, functions, nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  return rows;
}

}  // namespace gateway::net
