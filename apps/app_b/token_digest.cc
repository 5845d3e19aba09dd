#include "apps/app_b/token_digest.h"

#include <openssl/evp.h>

namespace gateway::apps {

std::string token_digest(std::string_view token) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_Digest(token.data(), token.size(), hash, &length, EVP_sha256(), nullptr);
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text.push_back(kHex[hash[i] >> 4]);
    text.push_back(kHex[hash[i] & 15]);
  }
  return text;
}

}  // namespace gateway::apps
