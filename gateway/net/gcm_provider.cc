#include "gateway/net/gcm_provider.h"

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

namespace gateway::net {
namespace {

constexpr std::size_t kNonce = 12;  // RFC 8446 §5.3, RFC 5288 §3
constexpr const char* kName = "gateway";

using Function = void (*)();

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
      table.back().function = reinterpret_cast<Function>(&ask);
      asks = true;
    } else if (entry->function_id == OSSL_FUNC_CIPHER_SET_CTX_PARAMS) {
      if (default_set != nullptr && default_set != OSSL_FUNC_cipher_set_ctx_params(entry))
        return false;
      default_set = OSSL_FUNC_cipher_set_ctx_params(entry);
      table.back().function = reinterpret_cast<Function>(&set);
      sets = true;
    }
  }
  if (!asks || !sets) return false;
  rows[place] = {row.algorithm_names, "provider=gateway", table.data(), nullptr};
  return true;
}

const Ciphers& ciphers(OSSL_PROVIDER* default_provider) {
  static const Ciphers all = [&] {
    int no_cache = 0;
    return Ciphers(OSSL_PROVIDER_query_operation(default_provider, OSSL_OP_CIPHER, &no_cache));
  }();
  return all;
}

// OpenSSL hands nothing of ours to `begin`.
thread_local OSSL_PROVIDER* standing_in_for = nullptr;

const OSSL_ALGORITHM* query(void* /*context*/, int operation, int* no_cache) {
  *no_cache = 0;
  return operation == OSSL_OP_CIPHER ? ciphers(nullptr).rows.data() : nullptr;
}

int begin(const OSSL_CORE_HANDLE* /*handle*/, const OSSL_DISPATCH* /*in*/,
          const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH functions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<Function>(&query)}, {0, nullptr}};
  *out = functions;
  // The default provider's functions are called with what they expect: its own context.
  *context = OSSL_PROVIDER_get0_provider_ctx(standing_in_for);
  return 1;
}

}  // namespace

OSSL_PROVIDER* load_gcm_provider(OSSL_LIB_CTX* library, OSSL_PROVIDER* default_provider) {
  if (default_provider == nullptr || !ciphers(default_provider).complete()) return nullptr;
  standing_in_for = default_provider;
  OSSL_PROVIDER* provider = nullptr;
  if (OSSL_PROVIDER_add_builtin(library, kName, &begin) == 1)
    provider = OSSL_PROVIDER_load(library, kName);
  standing_in_for = nullptr;
  if (provider != nullptr) EVP_set_default_properties(library, "?provider=gateway");
  return provider;
}

}  // namespace gateway::net
