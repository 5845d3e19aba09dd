#include "gateway/net/certificate_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/net/certificate.h"
#include "gateway/net/openssl.h"

namespace gateway::net {
namespace {

using namespace std::chrono_literals;

constexpr std::time_t kNow = 1'900'000'000;
constexpr std::time_t kHour = 3600;

/// Whether OpenSSL, who is asked by every TLS peer, takes the leaf for this name and purpose.
bool is_trusted(const std::string& leaf_pem, const std::string& bundle, std::time_t at,
                const char* name, int purpose) {
  const std::unique_ptr<X509_STORE, OpensslDelete<X509_STORE_free>> store(X509_STORE_new());
  const BioPtr trusted(BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())));
  while (X509* next = PEM_read_bio_X509(trusted.get(), nullptr, nullptr, nullptr))
    X509_STORE_add_cert(store.get(), X509Ptr(next).get());
  const BioPtr text(BIO_new_mem_buf(leaf_pem.data(), static_cast<int>(leaf_pem.size())));
  const X509Ptr leaf(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<X509_STORE_CTX, OpensslDelete<X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, at);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT);
  if (name != nullptr) X509_VERIFY_PARAM_set1_host(rules, name, 0);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  const bool trusted_now = X509_verify_cert(context.get()) == 1;
  openssl_error();
  return trusted_now;
}

class CertificateAuthorityTest : public testing::Test {
 protected:
  PemPair issue(const std::vector<std::string>& names = {"a.test"}) {
    return authority_.issue("replica", names, kNow, 24h).value();
  }
  bool serves(const PemPair& leaf, std::time_t at, const char* name = "a.test") {
    return is_trusted(leaf.certificate, authority_.pair().certificate, at, name,
                      X509_PURPOSE_SSL_SERVER);
  }
  CertificateAuthority authority_ = *CertificateAuthority::make("test", kNow, 240h);
};

TEST_F(CertificateAuthorityTest, SignsServersAndClients) {
  const PemPair leaf = issue({"a.test", "b.test"});
  EXPECT_TRUE(serves(leaf, kNow));
  EXPECT_TRUE(serves(leaf, kNow, "b.test"));
  EXPECT_FALSE(serves(leaf, kNow, "c.test"));
  EXPECT_TRUE(is_trusted(leaf.certificate, authority_.pair().certificate, kNow, nullptr,
                         X509_PURPOSE_SSL_CLIENT));
  const auto read = Certificate::parse(leaf.certificate, leaf.key);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ((*read)->names(), (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ((*read)->kind(), KeyKind::ecdsa);
  EXPECT_EQ((*read)->subject(), "CN=replica");
}

TEST_F(CertificateAuthorityTest, LivesAreWhatWasAskedFor) {
  const PemPair leaf = issue();
  EXPECT_TRUE(serves(leaf, kNow - 60)) << "a clock that is behind";
  EXPECT_FALSE(serves(leaf, kNow - kHour));
  EXPECT_TRUE(serves(leaf, kNow + 24 * kHour - 1));
  EXPECT_FALSE(serves(leaf, kNow + 24 * kHour + 1));
  EXPECT_EQ(authority_.made_at(), kNow);
  EXPECT_EQ(authority_.not_after(), kNow + 240 * kHour);
}

TEST_F(CertificateAuthorityTest, ALeafEndsWithItsAuthority) {
  const std::time_t late = kNow + 239 * kHour;
  const PemPair leaf = authority_.issue("replica", {"a.test"}, late, 24h).value();
  EXPECT_EQ((*Certificate::parse(leaf.certificate, leaf.key))->not_after(), authority_.not_after());
}

TEST_F(CertificateAuthorityTest, KeptAsTextItIsTheSame) {
  const auto kept = CertificateAuthority::parse(authority_.pair());
  ASSERT_TRUE(kept) << kept.error().to_string();
  EXPECT_EQ(kept->pair(), authority_.pair());
  EXPECT_EQ(kept->made_at(), authority_.made_at());
  EXPECT_EQ(kept->not_after(), authority_.not_after());
  EXPECT_TRUE(serves(kept->issue("replica", {"a.test"}, kNow, 24h).value(), kNow));
}

TEST_F(CertificateAuthorityTest, OfTwoEachVouchesForItsOwn) {
  const auto other = *CertificateAuthority::make("test", kNow, 240h);
  const PemPair leaf = other.issue("replica", {"a.test"}, kNow, 24h).value();
  EXPECT_FALSE(serves(leaf, kNow));
  const std::string both = authority_.pair().certificate + other.pair().certificate;
  for (const PemPair& each : {leaf, issue()})
    EXPECT_TRUE(is_trusted(each.certificate, both, kNow, "a.test", X509_PURPOSE_SSL_SERVER));
}

TEST_F(CertificateAuthorityTest, RefusesWhatIsNoAuthority) {
  const PemPair& own = authority_.pair();
  EXPECT_FALSE(CertificateAuthority::parse(issue())) << "a leaf signs nobody";
  EXPECT_FALSE(CertificateAuthority::parse({own.certificate, issue().key}));
  EXPECT_FALSE(CertificateAuthority::parse({own.certificate, ""}));
  EXPECT_FALSE(CertificateAuthority::parse({"", own.key}));
  EXPECT_FALSE(CertificateAuthority::parse({own.certificate.substr(0, 100), own.key}));
}

TEST_F(CertificateAuthorityTest, AddressesAreNamesToo) {
  const PemPair leaf = issue({"a.test", "127.0.0.1", "::1"});
  EXPECT_TRUE(serves(leaf, kNow));
  const BioPtr text(BIO_new_mem_buf(leaf.certificate.data(), -1));
  const X509Ptr read(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(X509_check_ip_asc(read.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(read.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(read.get(), "127.0.0.2", 0), 0);
}

TEST_F(CertificateAuthorityTest, KeysAreOfTheKindThatWasAskedFor) {
  for (const KeyKind kind : {KeyKind::ecdsa, KeyKind::ed25519, KeyKind::rsa}) {
    const PemPair leaf = authority_.issue("replica", {"a.test"}, kNow, 24h, kind).value();
    EXPECT_EQ((*Certificate::parse(leaf.certificate, leaf.key))->kind(), kind);
    EXPECT_TRUE(serves(leaf, kNow));
  }
}

TEST_F(CertificateAuthorityTest, FactsAreThoseThatWereAskedFor) {
  const std::vector<std::string> names{"B.test", "0:0::1", "*.a.test", "10.0.0.7", "b.test"};
  const auto facts = issued_facts(issue(names).certificate).value();
  EXPECT_EQ(facts.names, certificate_names(names).value());
  EXPECT_EQ(facts.names, (std::vector<std::string>{"*.a.test", "10.0.0.7", "::1", "b.test"}));
  EXPECT_EQ(facts.not_after, kNow + 24 * kHour);
  EXPECT_FALSE(issued_facts("nothing"));
  EXPECT_FALSE(certificate_names({"a b"}));
}

TEST_F(CertificateAuthorityTest, ASignatureIsFoundOutWhateverTheTime) {
  const auto other = *CertificateAuthority::make("test", kNow, 240h);
  const std::string leaf = issue().certificate;
  EXPECT_TRUE(is_signed_by(leaf, authority_.pair().certificate));
  EXPECT_TRUE(is_signed_by(leaf, authority_.pair().certificate + other.pair().certificate));
  EXPECT_FALSE(is_signed_by(leaf, other.pair().certificate + authority_.pair().certificate));
  EXPECT_FALSE(is_signed_by(leaf, leaf));
  EXPECT_FALSE(is_signed_by(leaf, ""));
}

TEST_F(CertificateAuthorityTest, ABundleComesApartIntoItsCertificates) {
  const std::string one = authority_.pair().certificate;
  const std::string two = issue().certificate;
  EXPECT_EQ(certificates_of("# a remark\n" + one + two), (std::vector<std::string>{one, two}));
  EXPECT_TRUE(certificates_of("nothing").empty());
}

TEST_F(CertificateAuthorityTest, NamesAreNoWayIn) {
  for (const char* name : {"", "a.test,DNS:b.test", "a.test\nb", "a b", "@section"})
    EXPECT_FALSE(authority_.issue("replica", {name}, kNow, 24h)) << name;
  EXPECT_FALSE(authority_.issue("replica", {}, kNow, 24h));
  EXPECT_FALSE(authority_.issue("replica", {std::string(254, 'a')}, kNow, 24h));
}

}  // namespace
}  // namespace gateway::net
