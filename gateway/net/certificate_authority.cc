#include "gateway/net/certificate_authority.h"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/address.h"
#include "gateway/net/openssl.h"

namespace gateway::net {
namespace {

using BigNumberPtr = std::unique_ptr<BIGNUM, OpensslDelete<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDelete<X509_EXTENSION_free>>;

/// RFC 5280 §4.1.2.2: at most 20 octets, and positive.
constexpr int kSerialBits = 127;
/// BSI TR-02102 and NIST SP 800-57 take it until 2030; what is longer costs each handshake more.
constexpr std::size_t kRsaBits = 2048;
/// RFC 1035 §3.1; longer names would be cut off by nobody and matched by nobody.
constexpr std::size_t kMostHost = 253;

tl::unexpected<Error> openssl_failure() {
  return failure(ErrorCode::internal, Side::internal, openssl_error());
}

template <typename Write>
std::string pem_of(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

PemPair pem_pair(X509* certificate, EVP_PKEY* key) {
  return {pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); }),
          pem_of([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

// What comes between "DNS:" and a comma is not quoted by anything: only letters, digits, hyphens,
// dots and a leading asterisk may stand there.
bool is_dns_name(const std::string& name) {
  const auto takes = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*';
  };
  return !name.empty() && name.size() <= kMostHost && std::ranges::all_of(name, takes);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// As X509V3_EXT_conf_nid() reads them; empty for what no certificate can hold.
std::string alternative_of(const std::string& name) {
  if (const auto address = IpAddress::parse(name)) return "IP:" + address->to_string();
  return is_dns_name(name) ? "DNS:" + name : std::string();
}

tl::unexpected<Error> no_name(const std::string& name) {
  return invalid_argument("no certificate can be made for \"" + name + "\"");
}

KeyPtr new_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa: return KeyPtr(EVP_EC_gen("P-256"));
    case KeyKind::ed25519: return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    case KeyKind::rsa: return KeyPtr(EVP_RSA_gen(kRsaBits));
  }
  return nullptr;
}

X509Ptr next_certificate(BIO* text) {
  return X509Ptr(PEM_read_bio_X509(text, nullptr, nullptr, nullptr));
}

BioPtr bio_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_random_serial(X509* certificate) {
  const BigNumberPtr serial(BN_new());
  return serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

std::string random_part() {
  const BigNumberPtr number(BN_new());
  if (!number || BN_rand(number.get(), 32, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1) return {};
  return fmt::format("{:08x}", BN_get_word(number.get()));
}

std::time_t time_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  return ASN1_TIME_to_tm(time, &broken_down) == 1 ? ::timegm(&broken_down) : 0;
}

/// Without extensions and signature.
X509Ptr new_certificate(const std::string& subject, EVP_PKEY* key, std::time_t begin,
                        std::time_t end) {
  X509Ptr certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_random_serial(certificate.get()) ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), begin) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), end) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1 ||
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(subject.data()),
                                 static_cast<int>(subject.size()), -1, 0) != 1)
    return nullptr;
  return certificate;
}

std::string_view bytes_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(std::string_view bytes) {
  std::uint8_t v6[16] = {};
  if (bytes.size() == sizeof v6) {
    std::memcpy(v6, bytes.data(), sizeof v6);
    return IpAddress::v6(v6).to_string();
  }
  if (bytes.size() != 4) return {};
  std::uint32_t v4 = 0;
  for (const char byte : bytes) v4 = (v4 << 8) | static_cast<std::uint8_t>(byte);
  return IpAddress::v4(v4).to_string();
}

void sort_names(std::vector<std::string>& names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
}

std::time_t after(std::time_t from, std::chrono::seconds by) {
  return from + static_cast<std::time_t>(by.count());
}

}  // namespace

struct CertificateAuthority::Parts {
  X509Ptr certificate;
  KeyPtr key;
};

CertificateAuthority::CertificateAuthority(PemPair pair, std::shared_ptr<const Parts> parts)
    : pair_(std::move(pair)),
      parts_(std::move(parts)),
      made_at_(after(time_of(X509_get0_notBefore(parts_->certificate.get())), kBackdated)),
      not_after_(time_of(X509_get0_notAfter(parts_->certificate.get()))) {}

Result<CertificateAuthority> CertificateAuthority::make(const std::string& name, std::time_t now,
                                                        std::chrono::seconds life) {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure();
  X509Ptr made = new_certificate(name + " " + random_part(), key.get(), after(now, -kBackdated),
                                 after(now, life));
  if (!made) return openssl_failure();
  X509* certificate = made.get();
  // It signs processes, never another authority.
  const bool done =
      X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
      add_extension(certificate, certificate, NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") &&
      add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
      X509_sign(certificate, key.get(), EVP_sha256()) != 0;
  if (!done) return openssl_failure();
  PemPair pair = pem_pair(certificate, key.get());
  return CertificateAuthority(
      std::move(pair), std::make_shared<const Parts>(Parts{std::move(made), std::move(key)}));
}

Result<CertificateAuthority> CertificateAuthority::parse(const PemPair& pair) {
  X509Ptr certificate = next_certificate(bio_of(pair.certificate).get());
  if (!certificate) return invalid_argument("no certificate: " + openssl_error());
  const BioPtr keys = bio_of(pair.key);
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  KeyPtr key(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
  if (!key) return invalid_argument("no private key: " + openssl_error());
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    openssl_error();
    return invalid_argument("the private key does not belong to the certificate");
  }
  if (X509_check_ca(certificate.get()) != 1)
    return invalid_argument("the certificate may sign no others");
  return CertificateAuthority(
      pair, std::make_shared<const Parts>(Parts{std::move(certificate), std::move(key)}));
}

Result<PemPair> CertificateAuthority::issue(const std::string& subject,
                                            const std::vector<std::string>& names, std::time_t now,
                                            std::chrono::seconds life, KeyKind kind) const {
  std::string alternatives;
  for (const std::string& name : names) {
    const std::string alternative = alternative_of(name);
    if (alternative.empty()) return no_name(name);
    alternatives += (alternatives.empty() ? "" : ",") + alternative;
  }
  if (alternatives.empty()) return invalid_argument("a certificate needs a name");
  const KeyPtr key = new_key(kind);
  if (!key) return openssl_failure();
  const X509Ptr made = new_certificate(subject, key.get(), after(now, -kBackdated),
                                       std::min(after(now, life), not_after_));
  if (!made) return openssl_failure();
  X509* certificate = made.get();
  X509* issuer = parts_->certificate.get();
  const bool done =
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
      add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
      add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
      add_extension(certificate, issuer, NID_subject_alt_name, alternatives) &&
      X509_sign(certificate, parts_->key.get(), EVP_sha256()) != 0;
  if (!done) return openssl_failure();
  return pem_pair(certificate, key.get());
}

Result<IssuedFacts> issued_facts(std::string_view pem) {
  const X509Ptr certificate = next_certificate(bio_of(pem).get());
  if (!certificate) return invalid_argument("no certificate: " + openssl_error());
  IssuedFacts facts{{}, time_of(X509_get0_notAfter(certificate.get()))};
  auto* list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS)
      facts.names.push_back(lower_case(bytes_of(name->d.dNSName)));
    else if (name->type == GEN_IPADD)
      facts.names.push_back(address_text(bytes_of(name->d.iPAddress)));
  }
  GENERAL_NAMES_free(list);
  sort_names(facts.names);
  return facts;
}

Result<std::vector<std::string>> certificate_names(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const std::string alternative = alternative_of(name);
    if (alternative.empty()) return no_name(name);
    out.push_back(lower_case(std::string_view(alternative).substr(alternative.find(':') + 1)));
  }
  sort_names(out);
  return out;
}

bool is_signed_by(std::string_view pem, std::string_view authority) {
  const X509Ptr certificate = next_certificate(bio_of(pem).get());
  const X509Ptr issuer = next_certificate(bio_of(authority).get());
  const bool signed_by = certificate && issuer &&
                         X509_check_issued(issuer.get(), certificate.get()) == X509_V_OK &&
                         X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) == 1;
  openssl_error();
  return signed_by;
}

std::vector<std::string> certificates_of(std::string_view bundle) {
  std::vector<std::string> out;
  const BioPtr text = bio_of(bundle);
  while (const X509Ptr certificate = next_certificate(text.get()))
    out.push_back(pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }));
  openssl_error();  // the end of the text is an error to PEM_read
  return out;
}

}  // namespace gateway::net
