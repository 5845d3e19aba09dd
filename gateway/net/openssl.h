#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

/// Ownership of OpenSSL's objects; for net/ alone.
namespace gateway::net {

template <auto Free>
struct OpensslDelete {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using SslPtr = std::unique_ptr<SSL, OpensslDelete<SSL_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslDelete<SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslDelete<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDelete<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDelete<EVP_PKEY_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpensslDelete<X509_STORE_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslDelete<BIO_free>>;

inline void free_stack(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }
using ChainPtr = std::unique_ptr<STACK_OF(X509), OpensslDelete<free_stack>>;
inline void free_names(STACK_OF(X509_NAME) * names) {
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}
using NamesPtr = std::unique_ptr<STACK_OF(X509_NAME), OpensslDelete<free_names>>;
inline void free_infos(STACK_OF(X509_INFO) * infos) {
  sk_X509_INFO_pop_free(infos, X509_INFO_free);
}
using InfosPtr = std::unique_ptr<STACK_OF(X509_INFO), OpensslDelete<free_infos>>;

/// The oldest error of this thread's queue in words, and an empty queue afterwards. Whoever sees a
/// call fail empties the queue, so that the successful path need not.
std::string openssl_error();

}  // namespace gateway::net
