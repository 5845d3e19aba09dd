#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/prov_ssl.h>
#include <openssl/rand.h>

#include <array>
#include <string_view>
#include <vector>

#include "gateway/net/provider_parts.h"

namespace gateway::net {
namespace {

constexpr std::size_t kKey = 32;  // RFC 7748 §6.1
using Bytes = std::array<unsigned char, kKey>;

/// The default provider's functions that a key is made with.
struct Functions {
  OSSL_FUNC_keymgmt_gen_init_fn* begin = nullptr;
  OSSL_FUNC_keymgmt_gen_set_params_fn* set = nullptr;
  OSSL_FUNC_keymgmt_gen_fn* make = nullptr;
  OSSL_FUNC_keymgmt_gen_cleanup_fn* end = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free = nullptr;
  OSSL_FUNC_keyexch_newctx_fn* exchange = nullptr;
  OSSL_FUNC_keyexch_init_fn* own = nullptr;
  OSSL_FUNC_keyexch_set_peer_fn* peer = nullptr;
  OSSL_FUNC_keyexch_derive_fn* derive = nullptr;
  OSSL_FUNC_keyexch_freectx_fn* end_exchange = nullptr;

  bool complete() const {
    return begin && set && make && end && import && free && exchange && own && peer && derive &&
           end_exchange;
  }
};

Functions defaults;

struct Generation {
  void* inner;  // the default provider's, which makes keys without content
  void* provider;
  int selection;
};

void* begin(void* provider, int selection, const OSSL_PARAM parameters[]) {
  void* inner = defaults.begin(provider, OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, parameters);
  return inner == nullptr ? nullptr : new Generation{inner, provider, selection};
}

int set(void* generation, const OSSL_PARAM parameters[]) {
  return defaults.set(static_cast<Generation*>(generation)->inner, parameters);
}

void end(void* generation) {
  if (generation == nullptr) return;
  auto* ending = static_cast<Generation*>(generation);
  defaults.end(ending->inner);
  delete ending;
}

bool import(void* key, Bytes* secret, Bytes& shown) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, shown.data(), kKey),
      OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  if (secret != nullptr)
    parameters[1] =
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret->data(), kKey);
  const int selection =
      secret != nullptr ? OSSL_KEYMGMT_SELECT_KEYPAIR : OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
  return defaults.import(key, selection, parameters) == 1;
}

/// X25519 of the key's two halves.
bool multiply(void* provider, void* key, Bytes& out) {
  void* exchange = defaults.exchange(provider);
  if (exchange == nullptr) return false;
  std::size_t size = 0;
  const bool done = defaults.own(exchange, key, nullptr) == 1 &&
                    defaults.peer(exchange, key) == 1 &&
                    defaults.derive(exchange, out.data(), &size, out.size()) == 1 && size == kKey;
  defaults.end_exchange(exchange);
  return done;
}

// The public key is the secret times the base point, by definition (RFC 7748 §6.1): OpenSSL makes
// it in the other form of the curve with portable code, and has an assembler ladder for this one.
bool fill(void* provider, void* key) {
  Bytes secret{};
  // The thread's own generator; which library context it belongs to nobody here knows.
  if (RAND_priv_bytes_ex(nullptr, secret.data(), kKey, 0) != 1) return false;
  secret[0] &= 0xf8;
  secret[kKey - 1] = static_cast<unsigned char>((secret[kKey - 1] & 0x7f) | 0x40);
  Bytes shown{9};  // the base point
  const bool done =
      import(key, &secret, shown) && multiply(provider, key, shown) && import(key, nullptr, shown);
  OPENSSL_cleanse(secret.data(), kKey);
  return done;
}

void* make(void* generation, OSSL_CALLBACK* progress, void* argument) {
  const auto& made = *static_cast<Generation*>(generation);
  void* key = defaults.make(made.inner, progress, argument);
  const bool wanted = (made.selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
  if (key == nullptr || !wanted || fill(made.provider, key)) return key;
  defaults.free(key);
  return nullptr;
}

const OSSL_ALGORITHM* row_of(OSSL_PROVIDER* provider, int operation) {
  int no_cache = 0;
  const OSSL_ALGORITHM* each = OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
  for (; each != nullptr && each->algorithm_names != nullptr; ++each)
    if (std::string_view(each->algorithm_names).starts_with("X25519")) return each;
  return nullptr;
}

struct Rows {
  std::vector<OSSL_DISPATCH> key;
  std::array<OSSL_ALGORITHM, 2> keys{};  // the last one ends the list
  std::array<OSSL_ALGORITHM, 2> exchanges{};

  explicit Rows(OSSL_PROVIDER* provider);
  void read_key(const OSSL_DISPATCH* entry);
  static void read_exchange(const OSSL_DISPATCH* entry);
};

void Rows::read_key(const OSSL_DISPATCH* entry) {
  for (;; ++entry) {
    key.push_back(*entry);
    DispatchFunction& ours = key.back().function;
    switch (entry->function_id) {
      case 0: return;
      case OSSL_FUNC_KEYMGMT_GEN_INIT:
        defaults.begin = OSSL_FUNC_keymgmt_gen_init(entry);
        ours = reinterpret_cast<DispatchFunction>(&begin);
        break;
      case OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS:
        defaults.set = OSSL_FUNC_keymgmt_gen_set_params(entry);
        ours = reinterpret_cast<DispatchFunction>(&set);
        break;
      case OSSL_FUNC_KEYMGMT_GEN:
        defaults.make = OSSL_FUNC_keymgmt_gen(entry);
        ours = reinterpret_cast<DispatchFunction>(&make);
        break;
      case OSSL_FUNC_KEYMGMT_GEN_CLEANUP:
        defaults.end = OSSL_FUNC_keymgmt_gen_cleanup(entry);
        ours = reinterpret_cast<DispatchFunction>(&end);
        break;
      case OSSL_FUNC_KEYMGMT_IMPORT: defaults.import = OSSL_FUNC_keymgmt_import(entry); break;
      case OSSL_FUNC_KEYMGMT_FREE: defaults.free = OSSL_FUNC_keymgmt_free(entry); break;
      default: break;
    }
  }
}

void Rows::read_exchange(const OSSL_DISPATCH* entry) {
  for (; entry->function_id != 0; ++entry) switch (entry->function_id) {
      case OSSL_FUNC_KEYEXCH_NEWCTX: defaults.exchange = OSSL_FUNC_keyexch_newctx(entry); break;
      case OSSL_FUNC_KEYEXCH_INIT: defaults.own = OSSL_FUNC_keyexch_init(entry); break;
      case OSSL_FUNC_KEYEXCH_SET_PEER: defaults.peer = OSSL_FUNC_keyexch_set_peer(entry); break;
      case OSSL_FUNC_KEYEXCH_DERIVE: defaults.derive = OSSL_FUNC_keyexch_derive(entry); break;
      case OSSL_FUNC_KEYEXCH_FREECTX:
        defaults.end_exchange = OSSL_FUNC_keyexch_freectx(entry);
        break;
      default: break;
    }
}

Rows::Rows(OSSL_PROVIDER* provider) {
  const OSSL_ALGORITHM* manager = row_of(provider, OSSL_OP_KEYMGMT);
  const OSSL_ALGORITHM* exchange = row_of(provider, OSSL_OP_KEYEXCH);
  if (manager == nullptr || exchange == nullptr) return;
  read_key(manager->implementation);
  read_exchange(exchange->implementation);
  if (!defaults.complete()) return;
  keys[0] = {manager->algorithm_names, kProviderProperty, key.data(), nullptr};
  // Keys and their exchange must be of one provider, else OpenSSL copies the keys from one to the
  // other.
  exchanges[0] = {exchange->algorithm_names, kProviderProperty, exchange->implementation, nullptr};
}

const Rows& rows(OSSL_PROVIDER* default_provider) {
  static const Rows all(default_provider);
  return all;
}

}  // namespace

const OSSL_ALGORITHM* x25519_key_rows(OSSL_PROVIDER* default_provider) {
  return rows(default_provider).keys.data();
}

const OSSL_ALGORITHM* x25519_exchange_rows(OSSL_PROVIDER* default_provider) {
  return rows(default_provider).exchanges.data();
}

int x25519_capabilities(const char* capability, OSSL_CALLBACK* tell, void* argument) {
  if (std::string_view(capability) != "TLS-GROUP") return 0;
  // Nothing to announce is no failure: libssl would make no context at all.
  if (rows(nullptr).keys[0].algorithm_names == nullptr) return 1;
  static char name[] = "x25519";
  static char algorithm[] = "X25519";
  static unsigned id = 0x001d;  // RFC 8446 §4.2.7
  static unsigned bits = 128;
  static int tls = TLS1_VERSION;
  static int dtls = DTLS1_VERSION;
  static int none = 0;
  static const OSSL_PARAM group[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, sizeof name),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, algorithm,
                                       sizeof algorithm),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, algorithm, sizeof algorithm),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &tls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &none),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &dtls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &none),
      OSSL_PARAM_construct_end()};
  return tell(group, argument);
}

}  // namespace gateway::net
