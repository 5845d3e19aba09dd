#include "bench/common/tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "bench/common/flags.h"

namespace bench {

TlsThread::TlsThread()
    : library_(OSSL_LIB_CTX_new()), method_(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "loop")) {
  BIO_meth_set_read(method_.get(), &TlsThread::read_input);
  BIO_meth_set_write(method_.get(), &TlsThread::write_output);
  BIO_meth_set_ctrl(method_.get(), &TlsThread::control);
  bio_.reset(BIO_new(method_.get()));
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

TlsThread::~TlsThread() = default;

int TlsThread::read_input(BIO* bio, char* into, int room) {
  auto& input = static_cast<TlsThread*>(BIO_get_data(bio))->input_;
  BIO_clear_retry_flags(bio);
  if (input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t n = std::min(input.size(), static_cast<size_t>(room));
  std::memcpy(into, input.data(), n);
  input.remove_prefix(n);
  return static_cast<int>(n);
}

int TlsThread::write_output(BIO* bio, const char* data, int size) {
  static_cast<TlsThread*>(BIO_get_data(bio))->output_.append(data, static_cast<size_t>(size));
  return size;
}

long TlsThread::control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

Owned<SSL_CTX> TlsThread::server_context(const std::string& certificate, const std::string& key) {
  Owned<SSL_CTX> context(SSL_CTX_new_ex(library_.get(), nullptr, TLS_server_method()));
  SSL_CTX* c = context.get();
  if (SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(c, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    die("cannot load " + certificate + " and " + key);
  }
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384");
  SSL_CTX_set1_groups_list(c, "X25519:P-256");
  SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  return context;
}

Owned<SSL_CTX> TlsThread::client_context() {
  Owned<SSL_CTX> context(SSL_CTX_new_ex(library_.get(), nullptr, TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

TlsStream::TlsStream(TlsThread& thread, SSL_CTX* context, bool server)
    : thread_(thread), ssl_(SSL_new(context)) {
  BIO_up_ref(thread.bio_.get());
  SSL_set_bio(ssl_.get(), thread.bio_.get(), thread.bio_.get());
  if (server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    SSL_set_tlsext_host_name(ssl_.get(), "localhost");
  }
}

size_t TlsStream::read(char* into, size_t room) {
  size_t n = 0;
  const int ok = SSL_read_ex(ssl_.get(), into, room, &n);
  if (ok == 1) return n;
  const int error = SSL_get_error(ssl_.get(), ok);
  ended_ = error == SSL_ERROR_ZERO_RETURN;
  failed_ = !ended_ && error != SSL_ERROR_WANT_READ;
  if (failed_) ERR_clear_error();  // the queue is the thread's: it would confuse the next stream
  return 0;
}

bool TlsStream::write(std::string_view plain) {
  size_t n = 0;
  return SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &n) == 1 && n == plain.size();
}

std::string TlsStream::description() const {
  return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get());
}

}  // namespace bench
