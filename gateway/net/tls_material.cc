#include "gateway/net/tls_material.h"

#include <openssl/pem.h>

#include <span>

namespace gateway::net {
namespace {

X509Ptr bind_x509(const std::string& der, OSSL_LIB_CTX* library) {
  X509* certificate = X509_new_ex(library, nullptr);
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  if (certificate != nullptr &&
      d2i_X509(&certificate, &bytes, static_cast<long>(der.size())) == nullptr)
    certificate = nullptr;  // freed by the failed call
  return X509Ptr(certificate);
}

}  // namespace

Result<BoundCertificate> bind(const Certificate& certificate, OSSL_LIB_CTX* library) {
  BoundCertificate bound;
  bound.chain.reset(sk_X509_new_null());
  for (const std::string& der : certificate.chain()) {
    X509Ptr each = bind_x509(der, library);
    if (!each) break;
    if (!bound.leaf)
      bound.leaf = std::move(each);
    else
      sk_X509_push(bound.chain.get(), each.release());
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(certificate.key().data());
  const int type = certificate.kind() == KeyKind::rsa     ? EVP_PKEY_RSA
                   : certificate.kind() == KeyKind::ecdsa ? EVP_PKEY_EC
                                                          : EVP_PKEY_ED25519;
  bound.key.reset(d2i_PrivateKey_ex(type, nullptr, &bytes,
                                    static_cast<long>(certificate.key().size()), library, nullptr));
  if (!bound.leaf || !bound.key)
    return failure(ErrorCode::invalid_argument, Side::internal, openssl_error());
  return bound;
}

Result<void> trust(SSL_CTX* context, std::string_view bundle, const std::string& path) {
  const BioPtr reader(BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    const X509Ptr owned(next);
    if (X509_STORE_add_cert(store, next) != 1)
      return failure(ErrorCode::invalid_argument, Side::internal, path + ": " + openssl_error());
    ++count;
  }
  openssl_error();  // the end of the text is an error to PEM_read
  if (count == 0)
    return failure(ErrorCode::invalid_argument, Side::internal, path + ": holds no certificate");
  return {};
}

void name_client_authorities(SSL_CTX* context, std::string_view bundle) {
  const BioPtr reader(BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())));
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add_client_CA(context, X509Ptr(next).get());
  openssl_error();
}

Result<void> trust_clients_of(X509_STORE* store, std::string_view pem, OSSL_LIB_CTX* library,
                              STACK_OF(X509_NAME) * names) {
  const BioPtr reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const InfosPtr infos(
      PEM_X509_INFO_read_bio_ex(reader.get(), nullptr, nullptr, nullptr, library, nullptr));
  if (!infos) return failure(ErrorCode::invalid_argument, Side::internal, openssl_error());
  int certificates = 0;
  bool lists = false;
  for (int i = 0; i < sk_X509_INFO_num(infos.get()); ++i) {
    const X509_INFO* each = sk_X509_INFO_value(infos.get(), i);
    if (each->x509 != nullptr) {
      ++certificates;
      if (X509_STORE_add_cert(store, each->x509) != 1)
        return failure(ErrorCode::invalid_argument, Side::internal, openssl_error());
      if (names != nullptr)
        sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(each->x509)));
    }
    if (each->crl != nullptr) {
      lists = true;
      if (X509_STORE_add_crl(store, each->crl) != 1)
        return failure(ErrorCode::invalid_argument, Side::internal, openssl_error());
    }
  }
  if (certificates == 0)
    return failure(ErrorCode::invalid_argument, Side::internal, "holds no certificate");
  if (lists) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

std::string alpn_wire(std::span<const std::string_view> protocols) {
  std::string wire;
  for (const std::string_view protocol : protocols) {
    wire.push_back(static_cast<char>(protocol.size()));
    wire.append(protocol);
  }
  return wire;
}

}  // namespace gateway::net
