#include "gateway/filter/password_hash.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>

namespace gateway::filter {
namespace {

constexpr std::string_view kShaMark = "{SHA}";
constexpr std::string_view kAprMark = "$apr1$";
constexpr unsigned kMostBcryptCost = 14;
constexpr unsigned kMostRounds = 500000;
constexpr unsigned kDefaultRounds = 5000;
constexpr std::string_view kCryptDigits =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool is_bcrypt(std::string_view hash) {
  return hash.starts_with("$2y$") || hash.starts_with("$2b$") || hash.starts_with("$2a$");
}

bool is_sha_crypt(std::string_view hash) {
  return hash.starts_with("$5$") || hash.starts_with("$6$");
}

bool consists_of(std::string_view text, std::string_view known) {
  return text.find_first_not_of(known) == std::string_view::npos;
}

// 0: not a number.
unsigned number_of(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : 0;
}

unsigned bcrypt_cost(std::string_view hash) { return number_of(hash.substr(4, 2)); }

unsigned sha_crypt_rounds(std::string_view hash) {
  constexpr std::string_view kRounds = "rounds=";
  hash.remove_prefix(3);
  if (!hash.starts_with(kRounds)) return kDefaultRounds;
  hash.remove_prefix(kRounds.size());
  return number_of(hash.substr(0, hash.find('$')));
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

class Digest {
 public:
  explicit Digest(const char* name)
      : digest_(EVP_MD_fetch(nullptr, name, nullptr)), context_(EVP_MD_CTX_new()) {
    good_ = digest_ != nullptr && EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1;
  }
  Digest& add(std::string_view text) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1;
    return *this;
  }
  /// Ready for another text afterwards. Empty where the algorithm is not to be had.
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned size = 0;
    good_ = good_ && EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1 &&
            EVP_DigestInit_ex2(context_.get(), digest_.get(), nullptr) == 1;
    return good_ ? std::string(reinterpret_cast<const char*>(bytes.data()), size) : std::string();
  }

 private:
  struct FreeDigest {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  };
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, FreeDigest> digest_;
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
  bool good_ = false;
};

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Base64 of MD5-crypt's own kind: least digit first, bytes in an order of their own.
std::string crypt_digits(std::string_view bytes) {
  std::string text;
  const auto put = [&](unsigned value, int digits) {
    for (; digits > 0; --digits, value >>= 6) text.push_back(kCryptDigits[value & 63]);
  };
  const auto byte = [&](std::size_t index) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[index]));
  };
  constexpr std::size_t kGroups[5][3] = {
      {0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};
  for (const auto& group : kGroups)
    put(byte(group[0]) << 16 | byte(group[1]) << 8 | byte(group[2]), 4);
  put(byte(11), 2);
  return text;
}

// Apache's variant of MD5-crypt (apr_md5.c), which crypt(3) does not know; it is what `htpasswd`
// writes when nobody asks for better.
std::string apr1(const std::string& password, std::string_view salt) {
  constexpr std::size_t kSize = 16;
  Digest md5("MD5");
  std::string last = md5.add(password).add(salt).add(password).finish();
  if (last.size() != kSize) return {};
  md5.add(password).add(kAprMark).add(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min(left, kSize))
    md5.add(std::string_view(last).substr(0, std::min(left, kSize)));
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1)
    md5.add((bits & 1) != 0 ? std::string_view("\0", 1) : std::string_view(password).substr(0, 1));
  last = md5.finish();
  for (int round = 0; round < 1000; ++round) {
    const bool odd = (round & 1) != 0;
    md5.add(odd ? password : last);
    if (round % 3 != 0) md5.add(salt);
    if (round % 7 != 0) md5.add(password);
    md5.add(odd ? last : password);
    last = md5.finish();
  }
  return last.size() == kSize ? crypt_digits(last) : std::string();
}

std::string bad_bcrypt(std::string_view hash) {
  if (hash.size() != 60 || hash[6] != '$' || !consists_of(hash.substr(7), kCryptDigits))
    return "is not a whole bcrypt hash";
  const unsigned cost = bcrypt_cost(hash);
  return cost < 4 || cost > kMostBcryptCost ? "has a bcrypt cost that is not between 4 and 14" : "";
}

std::string bad_sha_crypt(std::string_view hash) {
  const std::size_t digits = hash.starts_with("$5$") ? 43 : 86;
  const auto last = hash.rfind('$');
  if (last < 3 || hash.size() - last - 1 != digits ||
      !consists_of(hash.substr(last + 1), kCryptDigits))
    return "is not a whole SHA-crypt hash";
  const unsigned rounds = sha_crypt_rounds(hash);
  return rounds == 0 || rounds > kMostRounds ? "has more than 500000 rounds of SHA-crypt" : "";
}

std::string bad_md5_crypt(std::string_view hash) {
  const auto salt = hash.find('$', 1) + 1;
  const auto last = hash.rfind('$');
  const bool whole = last > salt && last - salt <= 8 && hash.size() - last - 1 == 22 &&
                     consists_of(hash.substr(last + 1), kCryptDigits);
  return whole ? "" : "is not a whole MD5-crypt hash";
}

}  // namespace

std::string unusable_hash(std::string_view hash) {
  if (is_bcrypt(hash)) return bad_bcrypt(hash);
  if (is_sha_crypt(hash)) return bad_sha_crypt(hash);
  if (hash.starts_with(kAprMark) || hash.starts_with("$1$")) return bad_md5_crypt(hash);
  if (hash.starts_with(kShaMark))
    return hash.size() == kShaMark.size() + 28 && hash.back() == '=' ? ""
                                                                     : "is not a whole {SHA} hash";
  return "has a password of a kind that is not supported: bcrypt is (htpasswd -B)";
}

unsigned hash_cost(std::string_view hash) {
  if (is_bcrypt(hash)) return 1U << (bcrypt_cost(hash) - 4);
  if (is_sha_crypt(hash)) return std::max(1U, sha_crypt_rounds(hash) / 2000);
  return 0;
}

bool password_matches(const std::string& password, const std::string& hash) {
  if (hash.starts_with(kShaMark))
    return equal(base64(Digest("SHA1").add(password).finish()),
                 std::string_view(hash).substr(kShaMark.size()));
  if (hash.starts_with(kAprMark)) {
    const auto end = hash.rfind('$');
    return equal(
        apr1(password, std::string_view(hash).substr(kAprMark.size(), end - kAprMark.size())),
        std::string_view(hash).substr(end + 1));
  }
  const auto data = std::make_unique<crypt_data>();  // 32 KiB
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool same = made != nullptr && equal(made, hash);
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

}  // namespace gateway::filter
