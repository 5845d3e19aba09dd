#include "gateway/net/self_signed.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>

#include "gateway/net/openssl.h"

namespace gateway::net {
namespace {

constexpr long kHour = 3600;
constexpr long kTenYears = 10L * 365 * 24 * kHour;

bool set_serial(X509* certificate) {
  unsigned char random[8];
  if (RAND_bytes(random, sizeof random) != 1) return false;
  std::uint64_t serial = 0;
  for (const unsigned char byte : random) serial = serial << 8 | byte;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

bool set_names(X509* certificate, const std::string& name) {
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME* subject = X509_get_subject_name(certificate);
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1 ||
      X509_set_issuer_name(certificate, subject) != 1)
    return false;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, ("DNS:" + name).c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool fill(X509* certificate, EVP_PKEY* key, const std::string& name) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kHour) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kTenYears) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 && set_names(certificate, name) &&
         X509_sign(certificate, key, EVP_sha256()) != 0;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Result<config::PemPair> self_signed(const std::string& name) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (!key || !certificate || !key_text || !text || !fill(certificate.get(), key.get(), name) ||
      PEM_write_bio_X509(text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1)
    return failure(ErrorCode::resource_exhausted, Side::internal,
                   "no certificate could be made: " + openssl_error());
  return config::PemPair{"self-made certificate", text_of(text.get()), text_of(key_text.get()), {}};
}

}  // namespace gateway::net
