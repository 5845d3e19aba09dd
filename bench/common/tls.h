#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace bench {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  void operator()(OSSL_LIB_CTX* library) const { OSSL_LIB_CTX_free(library); }
};
template <class T>
using Owned = std::unique_ptr<T, SslFree>;

// What one thread's TLS streams share: a private library context (OpenSSL 3.0 locks inside a shared
// one), one BIO that reads from the bytes just received and writes into one output buffer.
class TlsThread {
 public:
  TlsThread();
  ~TlsThread();

  // ECDSA or RSA certificate and key in PEM files; one ticket, X25519 then P-256, AES-128 first.
  Owned<SSL_CTX> server_context(const std::string& certificate, const std::string& key);
  // Offers what OpenSSL offers by default, never resumes, does not check the peer's name.
  Owned<SSL_CTX> client_context();

  std::string& output() { return output_; }

 private:
  friend class TlsStream;
  static int read_input(BIO* bio, char* into, int room);
  static int write_output(BIO* bio, const char* data, int size);
  static long control(BIO* bio, int command, long number, void* pointer);

  Owned<OSSL_LIB_CTX> library_;
  Owned<BIO_METHOD> method_;
  Owned<BIO> bio_;
  std::string_view input_;
  std::string output_;
};

// One TLS connection without a descriptor: the caller moves the bytes.
class TlsStream {
 public:
  TlsStream(TlsThread& thread, SSL_CTX* context, bool server);

  // Hands over received bytes; afterwards read() until it returns 0. Records to send (handshake,
  // alerts) are appended to the thread's output.
  void feed(std::string_view received) { thread_.input_ = received; }
  // Decrypts up to `room` bytes. 0: needs more input, or failed() or ended() says why not.
  size_t read(char* into, size_t room);
  // True when another read() could only say "needs more input": asking anyway costs 2,000
  // instructions.
  bool drained() const { return thread_.input_.empty() && SSL_has_pending(ssl_.get()) == 0; }
  // Encrypts into the thread's output. Only once the handshake is done.
  bool write(std::string_view plain);
  void shut_down() { SSL_shutdown(ssl_.get()); }

  bool ready() const { return SSL_is_init_finished(ssl_.get()) != 0; }
  bool failed() const { return failed_; }
  bool ended() const { return ended_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
  std::string description() const;

 private:
  TlsThread& thread_;
  Owned<SSL> ssl_;
  bool failed_ = false;
  bool ended_ = false;
};

}  // namespace bench
