#include "gateway/net/certificate.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "gateway/net/openssl.h"

namespace gateway::net {
namespace {

BioPtr reader_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string text_of(const ASN1_STRING* string) {
  return lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                static_cast<std::size_t>(ASN1_STRING_length(string))});
}

std::vector<std::string> alternative_names(X509* leaf) {
  std::vector<std::string> names;
  auto* list =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) names.push_back(text_of(name->d.dNSName));
  }
  GENERAL_NAMES_free(list);
  return names;
}

std::vector<std::string> names_of(X509* leaf) {
  std::vector<std::string> names = alternative_names(leaf);
  if (!names.empty()) return names;
  X509_NAME* subject = X509_get_subject_name(leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) names.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return names;
}

std::string subject_of(X509* leaf) {
  const BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(leaf), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string der_of(X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  if (size < 0) return {};
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

std::string der_of(EVP_PKEY* key) {
  unsigned char* data = nullptr;
  const int size = i2d_PrivateKey(key, &data);
  if (size < 0) return {};
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  return der;
}

std::time_t end_of(X509* certificate) {
  std::tm end{};
  return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 ? ::timegm(&end) : 0;
}

std::uint16_t ecdsa_scheme(int bits) {
  return bits <= 256 ? 0x0403 : bits <= 384 ? 0x0503 : 0x0603;
}

}  // namespace

std::string_view to_string(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa: return "ecdsa";
    case KeyKind::ed25519: return "ed25519";
    case KeyKind::rsa: break;
  }
  return "rsa";
}

Digest digest_of(std::initializer_list<std::string_view> parts) {
  // EVP_sha256() is sought in the library's tables each time, which costs more than a short text.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest digest{};
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, sha256, nullptr);
  for (const std::string_view part : parts) {
    // The length keeps ("ab", "c") apart from ("a", "bc").
    const std::uint64_t size = part.size();
    EVP_DigestUpdate(context, &size, sizeof size);
    EVP_DigestUpdate(context, part.data(), part.size());
  }
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  EVP_MD_CTX_free(context);
  return digest;
}

Certificate::~Certificate() { OPENSSL_cleanse(key_.data(), key_.size()); }

Result<std::shared_ptr<const Certificate>> Certificate::parse(std::string_view certificate_pem,
                                                              std::string_view key_pem) {
  const BioPtr certificates = reader_of(certificate_pem);
  const X509Ptr leaf(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (!leaf) return invalid_argument("no certificate: " + openssl_error());
  const BioPtr keys = reader_of(key_pem);
  // An encrypted key is refused instead of asking for its passphrase on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const KeyPtr key(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
  if (!key) return invalid_argument("no private key: " + openssl_error());
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    openssl_error();
    return invalid_argument("the private key does not belong to the certificate");
  }
  auto pair = std::make_shared<Certificate>();
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_EC:
      pair->kind_ = KeyKind::ecdsa;
      pair->scheme_ = ecdsa_scheme(EVP_PKEY_get_bits(key.get()));
      break;
    case EVP_PKEY_ED25519:
      pair->kind_ = KeyKind::ed25519;
      pair->scheme_ = 0x0807;
      break;
    case EVP_PKEY_RSA:
      pair->kind_ = KeyKind::rsa;
      pair->scheme_ = 0x0804;
      break;
    default: return invalid_argument("the key is neither ECDSA, Ed25519 nor RSA");
  }
  pair->names_ = names_of(leaf.get());
  pair->subject_ = subject_of(leaf.get());
  pair->not_after_ = pair->chain_ends_ = end_of(leaf.get());
  pair->chain_.push_back(der_of(leaf.get()));
  while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    const X509Ptr owned(next);
    pair->chain_.push_back(der_of(next));
    pair->chain_ends_ = std::min(pair->chain_ends_, end_of(next));
  }
  openssl_error();  // the end of the text is an error to PEM_read
  pair->key_ = der_of(key.get());
  pair->digest_ = digest_of({certificate_pem, key_pem});
  return pair;
}

Result<std::shared_ptr<const Certificate>> CertificateStore::load(std::string_view certificate_pem,
                                                                  std::string_view key_pem) {
  const Digest digest = digest_of({certificate_pem, key_pem});
  const std::lock_guard lock(mutex_);
  const auto found = parsed_.find(digest);
  if (found != parsed_.end())
    if (auto certificate = found->second.lock()) return certificate;
  // Not at each look: a reload looks for all that there are.
  std::erase_if(parsed_, [](const auto& entry) { return entry.second.expired(); });
  auto certificate = Certificate::parse(certificate_pem, key_pem);
  if (certificate) parsed_[digest] = *certificate;
  return certificate;
}

std::size_t CertificateStore::size() const {
  const std::lock_guard lock(mutex_);
  return parsed_.size();
}

}  // namespace gateway::net
