#include "tests/unit/net/test_certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/base/check.h"
#include "gateway/net/openssl.h"

namespace gateway::net {
namespace {

EVP_PKEY* new_key(KeyKind kind) {
  if (kind == KeyKind::rsa) return EVP_RSA_gen(2048);
  if (kind == KeyKind::ed25519) return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  return EVP_EC_gen("P-256");
}

template <typename Write>
std::string pem_of(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  GATEWAY_CHECK(write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  GATEWAY_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* new_certificate(const std::string& name, EVP_PKEY* key, long serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

const EVP_MD* digest_for(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

}  // namespace

TestAuthority::TestAuthority() {
  EVP_PKEY* key = new_key(KeyKind::ecdsa);
  X509* certificate = new_certificate("test authority", key, 1);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  GATEWAY_CHECK(X509_sign(certificate, key, EVP_sha256()) != 0);
  pem_ = pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  key_ = key;
  certificate_ = certificate;
}

TestAuthority::~TestAuthority() {
  EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
  X509_free(static_cast<X509*>(certificate_));
}

PemPair TestAuthority::issue(const std::vector<std::string>& names, KeyKind kind,
                             long valid_seconds) const {
  static long serial = 1;
  const KeyPtr key(new_key(kind));
  const X509Ptr certificate(new_certificate(names.at(0), key.get(), ++serial));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(static_cast<X509*>(certificate_)));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_seconds);
  std::string alternatives;
  for (const std::string& name : names)
    alternatives += (alternatives.empty() ? "" : ",") +
                    std::string(name == "127.0.0.1" ? "IP:" : "DNS:") + name;
  add_extension(certificate.get(), NID_subject_alt_name, alternatives);
  auto* issuer = static_cast<EVP_PKEY*>(key_);
  GATEWAY_CHECK(X509_sign(certificate.get(), issuer, digest_for(issuer)) != 0);
  return {pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
          pem_of([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

std::string TestAuthority::revoke(const PemPair& pair) const {
  const BioPtr text(BIO_new_mem_buf(pair.certificate.data(), -1));
  const X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  X509_REVOKED* entry = X509_REVOKED_new();
  ASN1_TIME* time = ASN1_TIME_new();
  X509_gmtime_adj(time, -60);
  X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
  X509_REVOKED_set_revocationDate(entry, time);
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(static_cast<X509*>(certificate_)));
  X509_CRL_set1_lastUpdate(list, time);
  X509_gmtime_adj(time, 86400);
  X509_CRL_set1_nextUpdate(list, time);
  X509_CRL_add0_revoked(list, entry);
  GATEWAY_CHECK(X509_CRL_sign(list, static_cast<EVP_PKEY*>(key_), EVP_sha256()) != 0);
  std::string pem = pem_of([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list); });
  X509_CRL_free(list);
  ASN1_TIME_free(time);
  return pem;
}

}  // namespace gateway::net
