#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/net/certificate_files.h"
#include "gateway/net/certificate_set.h"
#include "gateway/net/ticket_keys.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/net/test_certificates.h"

namespace gateway::net {
namespace {

namespace fs = std::filesystem;

class CertificatesTest : public testing::Test {
 protected:
  void write_pair(const std::string& name, const PemPair& pair,
                  const std::string& extension = ".crt") {
    folder_.write(name + extension, pair.certificate);
    folder_.write(name + ".key", pair.key);
  }
  /// First names of all certificates, joined; or the error.
  std::string load() {
    problems_.clear();
    const config::CertificateSource source{{}, {}, folder_.path()};
    auto loaded = load_certificates({&source, 1}, store_, &known_, &problems_);
    if (!loaded) return "error";
    std::string names;
    for (const auto& each : loaded->in_order) names += each->names().at(0) + ' ';
    known_ = std::move(loaded->by_path);
    return names;
  }

  TestAuthority authority_;
  test::TemporaryFolder folder_;
  CertificateStore store_;
  LoadedPairs known_;
  std::vector<Error> problems_;
};

TEST_F(CertificatesTest, KnowsNamesAndKind) {
  const PemPair pair = authority_.issue({"A.Test", "*.a.test"});
  const auto certificate =
      Certificate::parse(pair.certificate + authority_.certificate(), pair.key);
  ASSERT_TRUE(certificate) << certificate.error().to_string();
  EXPECT_EQ((*certificate)->names(), (std::vector<std::string>{"a.test", "*.a.test"}));
  EXPECT_EQ((*certificate)->kind(), KeyKind::ecdsa);
  EXPECT_EQ((*certificate)->scheme(), 0x0403);
  EXPECT_EQ((*certificate)->chain().size(), 2U);
  EXPECT_EQ((*certificate)->subject(), "CN=A.Test");
  EXPECT_GT((*certificate)->not_after(), std::time(nullptr));
}

TEST_F(CertificatesTest, AChainEndsWithTheFirstOfIt) {
  const PemPair day = authority_.issue({"a.test"});
  const PemPair hour = authority_.issue({"an-authority.test"}, KeyKind::ecdsa, 3600);
  const auto alone = *Certificate::parse(day.certificate, day.key);
  EXPECT_EQ(alone->chain_ends(), alone->not_after());
  const auto chain = *Certificate::parse(day.certificate + hour.certificate, day.key);
  EXPECT_EQ(chain->chain_ends(), (*Certificate::parse(hour.certificate, hour.key))->not_after());
  EXPECT_GT(chain->not_after(), chain->chain_ends());
}

TEST_F(CertificatesTest, APairMustMatch) {
  const PemPair one = authority_.issue({"a.test"});
  const PemPair two = authority_.issue({"a.test"});
  EXPECT_FALSE(Certificate::parse(one.certificate, two.key));
  EXPECT_FALSE(Certificate::parse("", one.key));
  EXPECT_FALSE(Certificate::parse(one.certificate, ""));
  EXPECT_FALSE(Certificate::parse(one.certificate.substr(0, 200), one.key));
  EXPECT_FALSE(Certificate::parse(one.certificate, one.key.substr(0, 100)));
}

TEST_F(CertificatesTest, TheSameTextIsParsedOnce) {
  const PemPair pair = authority_.issue({"a.test"});
  auto one = store_.load(pair.certificate, pair.key);
  EXPECT_EQ(*one, *store_.load(pair.certificate, pair.key));
  *one = nullptr;
  const PemPair other = authority_.issue({"b.test"});
  auto kept = store_.load(other.certificate, other.key);
  EXPECT_EQ(store_.size(), 1U) << "what nobody uses is forgotten";
}

TEST_F(CertificatesTest, AFolderHoldsPairsOneLevelDeep) {
  write_pair("tls", authority_.issue({"tls.test"}));
  write_pair("a", authority_.issue({"a.test"}), ".pem");
  write_pair("sub/tls", authority_.issue({"sub.test"}));
  folder_.write("ca.crt", authority_.certificate());
  folder_.write("readme.txt", "no certificate");
  EXPECT_EQ(load(), "a.test tls.test sub.test ");
}

TEST_F(CertificatesTest, TextsAreAsGoodAsFiles) {
  const PemPair pair = authority_.issue({"a.test", "b.test"});
  const auto text = [&](const std::string& key, std::vector<std::string> hosts) {
    return config::CertificateSource{
        {},
        {},
        {},
        std::make_shared<config::PemPair>(
            config::PemPair{"secret prod/a", pair.certificate, key, std::move(hosts)})};
  };
  const config::CertificateSource source = text(pair.key, {"b.test"});
  EXPECT_EQ(source, text(pair.key, {"b.test"})) << "compared by content";
  EXPECT_NE(source, text(pair.key, {"a.test"}));
  EXPECT_TRUE(certificate_folders({&source, 1}).empty());
  const auto loaded = load_certificates({&source, 1}, store_);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->by_path.contains("secret prod/a"));
  const auto set = CertificateSet::make(loaded->in_order, loaded->hosts);
  EXPECT_EQ(&set->find("a.test"), &set->fallback()) << "not shown for what it is not bound to";
  EXPECT_NE(&set->find("b.test"), &set->fallback());

  const config::CertificateSource broken = text("no key", {});
  const auto refused = load_certificates({&broken, 1}, store_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().detail.starts_with("secret prod/a: "));
  EXPECT_TRUE(load_certificates({&broken, 1}, store_, &loaded->by_path)) << "the one in use stays";
}

TEST_F(CertificatesTest, AnEmptyFolderIsAnError) { EXPECT_EQ(load(), "error"); }

TEST_F(CertificatesTest, AHalfWrittenPairKeepsTheOldOne) {
  write_pair("a", authority_.issue({"a.test"}));
  write_pair("b", authority_.issue({"b.test"}));
  ASSERT_EQ(load(), "a.test b.test ");
  const PemPair fresh = authority_.issue({"new.test"});
  folder_.write("a.crt", fresh.certificate);
  write_pair("b", authority_.issue({"c.test"}));
  EXPECT_EQ(load(), "a.test c.test ") << "the others are renewed meanwhile";
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].detail.find("a.crt"), std::string::npos);
  folder_.write("a.key", fresh.key);
  EXPECT_EQ(load(), "new.test c.test ");
  EXPECT_TRUE(problems_.empty());
}

TEST_F(CertificatesTest, AMissingKeyKeepsTheOldPairUntilBothAreGone) {
  write_pair("a", authority_.issue({"a.test"}));
  write_pair("b", authority_.issue({"b.test"}));
  ASSERT_EQ(load(), "a.test b.test ");
  fs::remove(folder_.path("a.key"));
  EXPECT_EQ(load(), "a.test b.test ");
  fs::remove(folder_.path("a.crt"));
  EXPECT_EQ(load(), "b.test ");
}

TEST_F(CertificatesTest, ABrokenNewPairIsAnError) {
  write_pair("a", authority_.issue({"a.test"}));
  ASSERT_EQ(load(), "a.test ");
  write_pair("b", {authority_.issue({"b.test"}).certificate, authority_.issue({"c.test"}).key});
  EXPECT_EQ(load(), "error");
}

TEST_F(CertificatesTest, FollowsTheLinksOfAKubernetesVolume) {
  write_pair("..1/tls", authority_.issue({"old.test"}));
  write_pair("..2/tls", authority_.issue({"new.test"}));
  fs::create_directory_symlink("..1", folder_.path("..data"));
  fs::create_symlink("..data/tls.crt", folder_.path("tls.crt"));
  fs::create_symlink("..data/tls.key", folder_.path("tls.key"));
  ASSERT_EQ(load(), "old.test ");
  fs::create_directory_symlink("..2", folder_.path("..tmp"));
  fs::rename(folder_.path("..tmp"), folder_.path("..data"));
  EXPECT_EQ(load(), "new.test ");
}

TEST_F(CertificatesTest, NamesTheFoldersToWatch) {
  write_pair("sub/tls", authority_.issue({"sub.test"}));
  const config::CertificateSource sources[] = {{{}, {}, folder_.path()},
                                               {"/etc/one/a.crt", "/etc/two/a.key", {}}};
  EXPECT_EQ(
      certificate_folders(sources),
      (std::vector<std::string>{"/etc/one", "/etc/two", folder_.path(), folder_.path("sub")}));
}

class CertificateSetTest : public CertificatesTest {
 protected:
  void add(const std::vector<std::string>& names, KeyKind kind = KeyKind::ecdsa) {
    const PemPair pair = authority_.issue(names, kind);
    certificates_.push_back(*store_.load(pair.certificate, pair.key));
  }
  std::vector<std::shared_ptr<const Certificate>> certificates_;
};

TEST_F(CertificateSetTest, ExactThenWildcardThenDefault) {
  add({"default.test"});
  add({"*.a.test"});
  add({"b.a.test"});
  const auto set = CertificateSet::make(certificates_);
  const auto named = [&](std::string_view name) { return set->find(name).certificates.at(0); };
  EXPECT_EQ(named("b.a.test"), certificates_[2]);
  EXPECT_EQ(named("c.a.test"), certificates_[1]);
  EXPECT_EQ(named("a.test"), certificates_[0]);
  EXPECT_EQ(named("x.y.a.test"), certificates_[0]);
  EXPECT_EQ(named(""), certificates_[0]);
  EXPECT_NE(set->find("b.a.test").identity, set->find("c.a.test").identity);
}

TEST_F(CertificateSetTest, ChoosesByWhatTheClientCanVerify) {
  add({"a.test"}, KeyKind::rsa);
  add({"a.test"}, KeyKind::ed25519);
  add({"a.test"});
  const auto set = CertificateSet::make(certificates_);
  const auto& entry = set->find("a.test");
  EXPECT_EQ(entry.choose("\x08\x04\x04\x03").kind(), KeyKind::ecdsa);
  EXPECT_EQ(entry.choose("\x08\x04\x08\x07").kind(), KeyKind::ed25519);
  EXPECT_EQ(entry.choose("\x08\x04").kind(), KeyKind::rsa);
  EXPECT_EQ(entry.choose("").kind(), KeyKind::rsa);
  EXPECT_EQ(set->fallback().certificates.size(), 3U) << "the default has all kinds of its names";
}

TEST_F(CertificateSetTest, KnowsWhichAreShown) {
  add({"a.test", "*.b.test"});
  add({"a.test"}, KeyKind::rsa);
  add({"a.test"});  // comes after another one of its kind for all of its names
  add({"a.test", "c.test"});
  const auto shown = CertificateSet::make(certificates_)->shown();
  const auto is_shown = [&](std::size_t number) {
    return std::ranges::count(shown, certificates_[number].get());
  };
  EXPECT_EQ(is_shown(0), 1);
  EXPECT_EQ(is_shown(1), 1);
  EXPECT_EQ(is_shown(2), 0);
  EXPECT_EQ(is_shown(3), 1);
}

TEST(TicketKeysTest, RotateKeepsTheLastKeys) {
  TicketKeys keys;
  const auto first = keys.current()->front().name;
  const std::uint64_t version = keys.version();
  keys.rotate();
  EXPECT_GT(keys.version(), version);
  EXPECT_EQ(keys.current()->size(), 2U);
  EXPECT_EQ(keys.current()->at(1).name, first);
  for (int i = 0; i < 5; ++i) keys.rotate();
  EXPECT_EQ(keys.current()->size(), TicketKeys::kMostKeys);
}

TEST(TicketKeysTest, LoadsKeysOfAFile) {
  TicketKeys keys;
  ASSERT_TRUE(keys.load(std::string(80, 'a') + std::string(80, 'b')));
  EXPECT_EQ(keys.current()->size(), 2U);
  EXPECT_EQ(keys.current()->front().name[0], 'a');
  EXPECT_FALSE(keys.load(""));
  EXPECT_FALSE(keys.load(std::string(79, 'a')));
  EXPECT_EQ(keys.current()->size(), 2U) << "what was good stays";
}

}  // namespace
}  // namespace gateway::net
