#include "gateway/net/tls_client.h"

#include <openssl/x509v3.h>

#include <string>
#include <unordered_map>

#include "gateway/base/file.h"
#include "gateway/net/openssl.h"
#include "gateway/net/tls_material.h"

namespace gateway::net {
namespace {

/// Endpoints whose sessions are remembered; for another one some other is forgotten.
constexpr std::size_t kMostSessions = 1024;

constexpr const char* kSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/// Of an SSL: the key of its session, owned by it.
int session_key_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* key, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::string*>(key);
      });
  return index;
}

}  // namespace

/// What the callbacks of an SSL_CTX need; owned by the SSL_CTX itself.
struct ClientTlsContext::Core {
  SSL_CTX* context = nullptr;
  OSSL_LIB_CTX* library = nullptr;
  bool verify = true;
  /// By address and name.
  std::unordered_map<std::string, SslSessionPtr> sessions;

  static int index();
  Result<void> configure(const config::UpstreamTls& settings, const ClientTlsFiles& files,
                         std::span<const std::string_view> alpn);
  Result<void> identify(const Certificate& certificate, const std::string& path);
  void expect(SSL* ssl, const std::string& name) const;
  static int on_session(SSL* ssl, SSL_SESSION* session);
};

int ClientTlsContext::Core::index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* core, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<Core*>(core);
      });
  return index;
}

Result<void> ClientTlsContext::Core::configure(const config::UpstreamTls& settings,
                                               const ClientTlsFiles& files,
                                               std::span<const std::string_view> alpn) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, &on_session);
  if (SSL_CTX_set_ciphersuites(context, kSuites) != 1)
    return failure(ErrorCode::internal, Side::internal, openssl_error());
  const std::string wire = alpn_wire(alpn);
  if (!wire.empty())
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
  verify = settings.verify;
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const bool own_authorities = !settings.ca.empty() || !files.ca.empty();
  if (verify && !own_authorities) SSL_CTX_set_default_verify_paths(context);
  if (verify && own_authorities) {
    const std::string origin = settings.pem          ? settings.pem->name
                               : settings.ca.empty() ? "the CA"
                                                     : settings.ca;
    if (auto trusted = trust(context, files.ca, origin); !trusted) return trusted;
  }
  if (!files.certificate) return {};
  return identify(*files.certificate, settings.pem ? settings.pem->name : settings.certificate);
}

Result<void> ClientTlsContext::Core::identify(const Certificate& certificate,
                                              const std::string& path) {
  auto bound = bind(certificate, library);
  if (!bound) return tl::make_unexpected(bound.error());
  if (SSL_CTX_use_cert_and_key(context, bound->leaf.get(), bound->key.get(), bound->chain.get(),
                               1) != 1)
    return failure(ErrorCode::invalid_argument, Side::internal, path + ": " + openssl_error());
  return {};
}

int ClientTlsContext::Core::on_session(SSL* ssl, SSL_SESSION* session) {
  const auto* key = static_cast<std::string*>(SSL_get_ex_data(ssl, session_key_index()));
  auto& sessions = static_cast<Core*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()))->sessions;
  if (key == nullptr) return 0;
  if (sessions.size() >= kMostSessions && !sessions.contains(*key))
    sessions.erase(sessions.begin());
  sessions[*key].reset(session);
  return 1;  // the reference is ours now
}

// An address is verified as an address and never sent as SNI (RFC 6066 §3).
void ClientTlsContext::Core::expect(SSL* ssl, const std::string& name) const {
  if (name.empty()) return;
  const bool is_address = IpAddress::parse(name).has_value();
  if (!is_address) SSL_set_tlsext_host_name(ssl, name.c_str());
  if (!verify) return;
  if (is_address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  else
    SSL_set1_host(ssl, name.c_str());
}

namespace {

/// `path`: where the certificate came from, for the error.
Result<std::shared_ptr<const ClientTlsFiles>> files_of(const std::string& path, std::string ca,
                                                       const std::string& certificate,
                                                       const std::string& key,
                                                       CertificateStore& store) {
  auto files = std::make_shared<ClientTlsFiles>();
  files->ca = std::move(ca);
  if (certificate.empty() && key.empty()) return files;
  auto pair = store.load(certificate, key);
  if (!pair)
    return failure(ErrorCode::invalid_argument, Side::internal, path + ": " + pair.error().detail);
  files->certificate = std::move(*pair);
  return files;
}

}  // namespace

Result<std::shared_ptr<const ClientTlsFiles>> ClientTlsFiles::load(
    const config::UpstreamTls& settings, CertificateStore& store) {
  if (const auto& pem = settings.pem)
    return files_of(pem->name, pem->ca, pem->certificate, pem->key, store);
  const auto read = [](const std::string& path) {
    return path.empty() ? Result<std::string>() : read_file(path);
  };
  auto ca = read(settings.ca);
  if (!ca) return tl::make_unexpected(ca.error());
  auto certificate = read(settings.certificate);
  if (!certificate) return tl::make_unexpected(certificate.error());
  auto key = read(settings.key);
  if (!key) return tl::make_unexpected(key.error());
  return files_of(settings.certificate, std::move(*ca), *certificate, *key, store);
}

Result<std::unique_ptr<ClientTlsContext>> ClientTlsContext::make(
    TlsLibrary& library, const config::UpstreamTls& settings,
    std::span<const std::string_view> alpn) {
  CertificateStore store;
  auto files = ClientTlsFiles::load(settings, store);
  if (!files) return tl::make_unexpected(files.error());
  return make(library, settings, **files, alpn);
}

Result<std::unique_ptr<ClientTlsContext>> ClientTlsContext::make(
    TlsLibrary& library, const config::UpstreamTls& settings, const ClientTlsFiles& files,
    std::span<const std::string_view> alpn) {
  SSL_CTX* context = SSL_CTX_new_ex(library.context(), nullptr, TLS_client_method());
  if (context == nullptr)
    return failure(ErrorCode::resource_exhausted, Side::internal, openssl_error());
  auto* core = new Core;
  SSL_CTX_set_ex_data(context, Core::index(), core);
  core->context = context;
  core->library = library.context();
  std::unique_ptr<ClientTlsContext> made(new ClientTlsContext(*core));
  if (auto done = core->configure(settings, files, alpn); !done)
    return tl::make_unexpected(done.error());
  return made;
}

ClientTlsContext::~ClientTlsContext() { SSL_CTX_free(core_.context); }

ssl_st* ClientTlsContext::new_connection(const SocketAddress& peer, std::string_view server_name) {
  SSL* ssl = SSL_new(core_.context);
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl);
  const std::string name(server_name);
  core_.expect(ssl, name);
  auto key = std::make_unique<std::string>(peer.to_string() + ' ' + name);
  const auto known = core_.sessions.find(*key);
  if (known != core_.sessions.end()) SSL_set_session(ssl, known->second.get());
  if (SSL_set_ex_data(ssl, session_key_index(), key.get()) == 1) static_cast<void>(key.release());
  return ssl;
}

}  // namespace gateway::net
