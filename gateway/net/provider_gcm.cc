#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/net/provider_parts.h"

namespace gateway::net {
namespace {

constexpr std::size_t kNonce = 12;  // RFC 8446 §5.3, RFC 5288 §3

/// The default provider's functions behind the two that stand in for them; the same for AES-128 and
/// AES-256, and for every library context: they are code of libcrypto.
OSSL_FUNC_cipher_get_ctx_params_fn* default_ask = nullptr;
OSSL_FUNC_cipher_set_ctx_params_fn* default_set = nullptr;

// Without strcmp or a loop, which cost as much as all the rest: nearly always the first byte
// decides.
bool is_nonce_size(const OSSL_PARAM& parameter) {
  static constexpr char kKey[] = OSSL_CIPHER_PARAM_IVLEN;
  const auto same = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ((parameter.key[I] == kKey[I]) && ...);
  };
  return same(std::make_index_sequence<sizeof kKey>());
}

int tell_nonce_size(OSSL_PARAM& parameter) {
  // What EVP_CIPHER_CTX_get_iv_length passes; OpenSSL's own setter tries all sizes first.
  if (parameter.data_type != OSSL_PARAM_UNSIGNED_INTEGER || parameter.data == nullptr ||
      parameter.data_size != sizeof kNonce)
    return OSSL_PARAM_set_size_t(&parameter, kNonce);
  std::memcpy(parameter.data, &kNonce, sizeof kNonce);
  parameter.return_size = sizeof kNonce;
  return 1;
}

int ask(void* cipher, OSSL_PARAM parameters[]) {
  const bool alone = parameters[0].key != nullptr && parameters[1].key == nullptr;
  if (alone && is_nonce_size(parameters[0])) return tell_nonce_size(parameters[0]);
  return default_ask(cipher, parameters);
}

int set(void* cipher, const OSSL_PARAM parameters[]) {
  for (const OSSL_PARAM* each = parameters; each != nullptr && each->key != nullptr; ++each) {
    std::size_t size = kNonce;
    if (is_nonce_size(*each) && (OSSL_PARAM_get_size_t(each, &size) != 1 || size != kNonce))
      return 0;
  }
  return default_set(cipher, parameters);
}

/// The default provider's rows for AES-GCM with their dispatch tables changed.
struct Ciphers {
  std::array<std::vector<OSSL_DISPATCH>, 2> tables;
  std::array<OSSL_ALGORITHM, 3> rows{};  // the last one ends the list

  explicit Ciphers(const OSSL_ALGORITHM* all);
  bool add(std::size_t place, const OSSL_ALGORITHM& row);
  bool complete() const { return rows[1].algorithm_names != nullptr; }
};

Ciphers::Ciphers(const OSSL_ALGORITHM* all) {
  std::size_t found = 0;
  for (; all != nullptr && all->algorithm_names != nullptr && found < 2; ++all) {
    const std::string_view names = all->algorithm_names;
    const bool wanted = names.starts_with("AES-128-GCM:") || names.starts_with("AES-256-GCM:");
    if (wanted && add(found, *all)) ++found;
  }
}

bool Ciphers::add(std::size_t place, const OSSL_ALGORITHM& row) {
  std::vector<OSSL_DISPATCH>& table = tables[place];
  table.clear();
  bool asks = false;
  bool sets = false;
  for (const OSSL_DISPATCH* entry = row.implementation;; ++entry) {
    table.push_back(*entry);
    if (entry->function_id == 0) break;
    if (entry->function_id == OSSL_FUNC_CIPHER_GET_CTX_PARAMS) {
      if (default_ask != nullptr && default_ask != OSSL_FUNC_cipher_get_ctx_params(entry))
        return false;
      default_ask = OSSL_FUNC_cipher_get_ctx_params(entry);
      table.back().function = reinterpret_cast<DispatchFunction>(&ask);
      asks = true;
    } else if (entry->function_id == OSSL_FUNC_CIPHER_SET_CTX_PARAMS) {
      if (default_set != nullptr && default_set != OSSL_FUNC_cipher_set_ctx_params(entry))
        return false;
      default_set = OSSL_FUNC_cipher_set_ctx_params(entry);
      table.back().function = reinterpret_cast<DispatchFunction>(&set);
      sets = true;
    }
  }
  if (!asks || !sets) return false;
  rows[place] = {row.algorithm_names, kProviderProperty, table.data(), nullptr};
  return true;
}

const Ciphers& ciphers(OSSL_PROVIDER* default_provider) {
  static const Ciphers all = [&] {
    int no_cache = 0;
    return Ciphers(OSSL_PROVIDER_query_operation(default_provider, OSSL_OP_CIPHER, &no_cache));
  }();
  return all;
}

}  // namespace

const OSSL_ALGORITHM* gcm_rows(OSSL_PROVIDER* default_provider) {
  static const OSSL_ALGORITHM none{};
  const Ciphers& made = ciphers(default_provider);
  return made.complete() ? made.rows.data() : &none;
}

}  // namespace gateway::net
