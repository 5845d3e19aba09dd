#include "gateway/net/tls_server.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <unordered_map>

#include "gateway/base/file.h"
#include "gateway/net/openssl.h"
#include "gateway/net/tls_material.h"

namespace gateway::net {
namespace {

// AES-128 first: clients that offer it have hardware for it, and it is the cheapest (RFC 8446 §9.1
// demands it). The groups begin with what nearly every client sends a share for.
constexpr const char* kServerSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kTicketSeconds = 4 * 3600;
constexpr std::size_t kMostName = 255;  // RFC 1035 §2.3.4

std::string_view extension(SSL* ssl, unsigned type) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &data, &size) != 1) return {};
  return {reinterpret_cast<const char*>(data), size};
}

std::size_t length_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                  static_cast<unsigned char>(bytes[at + 1]));
}

/// The name of a server_name extension (RFC 6066 §3) in lower case, in `out`; empty when malformed,
/// which OpenSSL itself refuses later.
std::string_view server_name(std::string_view bytes, char (&out)[kMostName]) {
  constexpr std::size_t kHead = 5;  // list length, type, name length
  if (bytes.size() <= kHead || bytes[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t size = length_at(bytes, 3);
  if (size > kMostName || kHead + size > bytes.size()) return {};
  for (std::size_t i = 0; i < size; ++i) {
    const char c = bytes[kHead + i];
    out[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return {out, size};
}

using AuthorityPtr = std::shared_ptr<const ClientAuthority>;

/// The place of a connection's AuthorityPtr.
int authority_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<AuthorityPtr*>(kept);
      });
  return index;
}

/// OpenSSL's objects of one authority, of one library.
struct BoundAuthority {
  X509StorePtr store;
  NamesPtr names;
};

}  // namespace

/// What the callbacks of an SSL_CTX need; owned by the SSL_CTX itself.
struct ServerTlsContext::Core {
  SSL_CTX* context = nullptr;
  OSSL_LIB_CTX* library = nullptr;
  std::shared_ptr<const CertificateSet> certificates;
  std::unordered_map<const Certificate*, BoundCertificate> bound;
  std::shared_ptr<const ClientAuthorities> authorities;  ///< null: nobody is asked on their account
  std::map<Digest, BoundAuthority> bound_authorities;    ///< by identity
  bool asks_itself = false;
  /// The entry whose certificates are the SSL_CTX's own: connections for it need nothing more.
  const CertificateSet::Entry* inherited = nullptr;
  std::array<bool, 3> kinds_taken{};  // places for certificates that the SSL_CTX has filled
  std::string alpn;
  Digest scope{};  // the listener's part of what a ticket is bound to
  std::shared_ptr<const TicketKeys> ticket_keys;
  std::shared_ptr<const TicketKeys::Keys> keys;
  std::uint64_t keys_version = 0;
  EVP_CIPHER* ticket_cipher = nullptr;

  ~Core() { EVP_CIPHER_free(ticket_cipher); }

  static int index();
  static Core& of(SSL* ssl) {
    return *static_cast<Core*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  }

  Result<void> configure(const config::ListenerTls& settings, const std::string& client_ca);
  Result<void> ask_clients(const config::ListenerTls& settings, const std::string& client_ca);
  Result<void> inherit();
  void drop_unused();
  const BoundCertificate* bound_to(const Certificate& certificate);
  bool present(SSL* ssl, const CertificateSet::Entry& entry, const ClientAuthority* authority);
  const BoundAuthority* bound_to(const ClientAuthority& authority);
  bool ask(SSL* ssl, const AuthorityPtr& authority);
  const TicketKeys::Keys& current_keys();

  static int on_client_hello(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                     const unsigned char* offered, unsigned offered_size, void* self);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int encrypt);
};

int ServerTlsContext::Core::index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* core, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Core*>(core);
      });
  return index;
}

Result<void> ServerTlsContext::Core::configure(const config::ListenerTls& settings,
                                               const std::string& client_ca) {
  SSL_CTX_set_min_proto_version(
      context, settings.min_version == config::TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kTicketSeconds);
  SSL_CTX_set_max_early_data(context, 0);
  // The transport sends the one ticket itself, with the first answer.
  SSL_CTX_set_num_tickets(context, 0);
  if (!settings.tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  const char* suites =
      settings.ciphersuites.empty() ? kServerSuites : settings.ciphersuites.c_str();
  const char* ciphers = settings.ciphers.empty() ? kCiphers : settings.ciphers.c_str();
  if (SSL_CTX_set_ciphersuites(context, suites) != 1 ||
      SSL_CTX_set_cipher_list(context, ciphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1)
    return failure(ErrorCode::invalid_argument, Side::internal, "TLS ciphers: " + openssl_error());
  SSL_CTX_set_client_hello_cb(context, &on_client_hello, this);
  // Answers that the name was used; needed to know it again on a resumed TLS 1.2 connection.
  SSL_CTX_set_tlsext_servername_callback(
      context, +[](SSL*, int*, void*) -> int { return SSL_TLSEXT_ERR_OK; });
  if (!alpn.empty()) SSL_CTX_set_alpn_select_cb(context, &on_alpn, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket);
  ticket_cipher = EVP_CIPHER_fetch(library, "AES-256-CBC", nullptr);
  return ask_clients(settings, client_ca);
}

Result<void> ServerTlsContext::Core::ask_clients(const config::ListenerTls& settings,
                                                 const std::string& client_ca) {
  using config::ClientCertificates;
  if (settings.client_certificates == ClientCertificates::off) return {};
  asks_itself = true;
  const bool required = settings.client_certificates == ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  const std::string& origin = settings.client_ca.empty() ? "the client CA" : settings.client_ca;
  if (auto trusted = trust(context, client_ca, origin); !trusted) return trusted;
  name_client_authorities(context, client_ca);
  return {};
}

const BoundCertificate* ServerTlsContext::Core::bound_to(const Certificate& certificate) {
  if (const auto found = bound.find(&certificate); found != bound.end()) return &found->second;
  auto fresh = bind(certificate, library);
  if (!fresh) return nullptr;
  return &bound.emplace(&certificate, std::move(*fresh)).first->second;
}

// The SSL_CTX has one place per kind of key, and none can be emptied: only a default that fills all
// that are taken may be inherited.
Result<void> ServerTlsContext::Core::inherit() {
  const auto& fresh = certificates->fallback();
  inherited = nullptr;
  std::array<bool, 3> filled{};
  for (const auto& certificate : fresh.certificates)
    filled[static_cast<std::size_t>(certificate->kind())] = true;
  for (std::size_t kind = 0; kind < filled.size(); ++kind)
    if (kinds_taken[kind] && !filled[kind]) return {};
  kinds_taken = filled;
  for (const auto& certificate : fresh.certificates) {
    const BoundCertificate* each = bound_to(*certificate);
    if (each == nullptr || SSL_CTX_use_cert_and_key(context, each->leaf.get(), each->key.get(),
                                                    each->chain.get(), 1) != 1)
      return failure(ErrorCode::invalid_argument, Side::internal,
                     certificate->subject() + ": " + openssl_error());
  }
  inherited = &fresh;
  return {};
}

void ServerTlsContext::Core::drop_unused() {
  std::erase_if(bound, [this](const auto& each) {
    return std::ranges::none_of(certificates->all(),
                                [&](const auto& kept) { return kept.get() == each.first; });
  });
}

// What was verified by one authority's demand is taken up for no other's.
bool ServerTlsContext::Core::present(SSL* ssl, const CertificateSet::Entry& entry,
                                     const ClientAuthority* authority) {
  Digest scoped = entry.identity;
  for (std::size_t i = 0; i < scoped.size(); ++i) {
    scoped[i] ^= scope[i];
    if (authority != nullptr) scoped[i] ^= authority->identity()[i];
  }
  SSL_set_session_id_context(ssl, scoped.data(), scoped.size());
  if (&entry == inherited) return true;
  std::string_view offered = extension(ssl, TLSEXT_TYPE_signature_algorithms);
  if (offered.size() > 2) offered.remove_prefix(2);  // the list's length
  const BoundCertificate* each = bound_to(entry.choose(offered));
  if (each == nullptr) return false;
  SSL_certs_clear(ssl);
  return SSL_use_cert_and_key(ssl, each->leaf.get(), each->key.get(), each->chain.get(), 1) == 1;
}

const BoundAuthority* ServerTlsContext::Core::bound_to(const ClientAuthority& authority) {
  const auto [known, fresh] = bound_authorities.try_emplace(authority.identity());
  if (!fresh) return &known->second;
  BoundAuthority made{X509StorePtr(X509_STORE_new()), NamesPtr(sk_X509_NAME_new_null())};
  if (!trust_clients_of(made.store.get(), authority.pem(), library, made.names.get())) {
    bound_authorities.erase(known);
    return nullptr;
  }
  known->second = std::move(made);
  return &known->second;
}

bool ServerTlsContext::Core::ask(SSL* ssl, const AuthorityPtr& authority) {
  // A second hello, after a retry, must be for the same (RFC 8446 §4.1.2).
  if (const ClientAuthority* asked = asked_authority(ssl)) return asked == authority.get();
  if (!authority) return true;
  const BoundAuthority* each = bound_to(*authority);
  if (each == nullptr) return false;
  auto kept = std::make_unique<AuthorityPtr>(authority);
  if (SSL_set_ex_data(ssl, authority_index(), kept.get()) != 1) return false;
  std::ignore = kept.release();  // the connection's from here on
  SSL_set_client_CA_list(ssl, SSL_dup_CA_list(each->names.get()));
  SSL_set_verify_depth(ssl, authority->depth());
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  return SSL_set1_verify_cert_store(ssl, each->store.get()) == 1;
}

int ServerTlsContext::Core::on_client_hello(SSL* ssl, int* alert, void* self) {
  Core& core = *static_cast<Core*>(self);
  char lowered[kMostName];
  const std::string_view name = server_name(extension(ssl, TLSEXT_TYPE_server_name), lowered);
  const AuthorityPtr authority =
      core.authorities && !core.asks_itself ? core.authorities->find(name) : nullptr;
  if (core.present(ssl, core.certificates->find(name), authority.get()) && core.ask(ssl, authority))
    return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

int ServerTlsContext::Core::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                                    const unsigned char* offered, unsigned offered_size,
                                    void* self) {
  const std::string& ours = static_cast<Core*>(self)->alpn;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

const TicketKeys::Keys& ServerTlsContext::Core::current_keys() {
  const std::uint64_t version = ticket_keys->version();
  if (version != keys_version) {
    keys = ticket_keys->current();
    keys_version = version;
  }
  return *keys;
}

int ServerTlsContext::Core::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                                      EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt) {
  Core& core = of(ssl);
  const TicketKeys::Keys& keys = core.current_keys();
  auto key = keys.begin();
  if (encrypt == 1) {
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes_ex(core.library, iv, 16, 0) != 1) return -1;
  } else {
    key = std::ranges::find_if(keys, [&](const TicketKeys::Key& each) {
      return std::memcmp(name, each.name.data(), each.name.size()) == 0;
    });
    if (key == keys.end()) return 0;  // unknown: a full handshake
  }
  auto* secret = const_cast<std::uint8_t*>(key->mac.data());
  char sha256[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
  if (EVP_CipherInit_ex2(cipher, core.ticket_cipher, key->cipher.data(), iv, encrypt, nullptr) != 1)
    return -1;
  // 2 asks for a fresh ticket: the key that sealed this one is about to go.
  return encrypt == 1 || key == keys.begin() ? 1 : 2;
}

Result<std::unique_ptr<ServerTlsContext>> ServerTlsContext::make(
    TlsLibrary& library, const config::ListenerTls& settings, std::string_view listener,
    std::shared_ptr<const CertificateSet> certificates, std::shared_ptr<const TicketKeys> tickets,
    std::span<const std::string_view> alpn, std::string client_ca) {
  if (client_ca.empty() && settings.client_certificates != config::ClientCertificates::off) {
    auto bundle = read_file(settings.client_ca);
    if (!bundle) return tl::make_unexpected(bundle.error());
    client_ca = std::move(*bundle);
  }
  SSL_CTX* context = SSL_CTX_new_ex(library.context(), nullptr, TLS_server_method());
  if (context == nullptr)
    return failure(ErrorCode::resource_exhausted, Side::internal, openssl_error());
  auto* core = new Core;
  SSL_CTX_set_ex_data(context, Core::index(), core);
  core->context = context;
  core->library = library.context();
  core->certificates = std::move(certificates);
  core->ticket_keys = std::move(tickets);
  core->alpn = alpn_wire(alpn);
  std::unique_ptr<ServerTlsContext> made(new ServerTlsContext(*core));
  made->handshake_timeout_ = settings.handshake_timeout;
  const char policy = static_cast<char>('0' + static_cast<int>(settings.client_certificates));
  core->scope = digest_of({listener, {&policy, 1}, client_ca});
  if (auto done = core->configure(settings, client_ca); !done)
    return tl::make_unexpected(done.error());
  if (auto done = core->inherit(); !done) return tl::make_unexpected(done.error());
  return made;
}

ServerTlsContext::~ServerTlsContext() { SSL_CTX_free(core_.context); }

void ServerTlsContext::use(std::shared_ptr<const CertificateSet> certificates,
                           std::shared_ptr<const ClientAuthorities> authorities) {
  core_.certificates = std::move(certificates);
  if (core_.authorities != authorities) core_.bound_authorities.clear();
  core_.authorities = std::move(authorities);
  // Cannot fail for certificates that were parsed; if it does, connections choose for themselves.
  if (auto done = core_.inherit(); !done) core_.inherited = nullptr;
  core_.drop_unused();
}

ssl_ctx_st* ServerTlsContext::share() {
  SSL_CTX_up_ref(core_.context);
  return core_.context;
}

const ClientAuthority* asked_authority(ssl_st* ssl) {
  const auto* kept = static_cast<const AuthorityPtr*>(SSL_get_ex_data(ssl, authority_index()));
  return kept == nullptr ? nullptr : kept->get();
}

}  // namespace gateway::net
