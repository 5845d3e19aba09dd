#include "gateway/server/certs_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "gateway/base/file.h"
#include "gateway/net/certificate.h"
#include "gateway/net/certificate_authority.h"
#include "support/temporary_folder.h"

namespace gateway::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Files = std::map<std::string, std::string>;

constexpr std::time_t kBegin = 1'900'000'000;
constexpr std::time_t kADay = 86'400;

class Certs : public ::testing::Test {
 protected:
  Certs() { options_.out = folder_.path("made"); }

  CertsOutcome run(std::time_t now = kBegin) { return make_certificates(options_, now); }
  /// A run that must do well.
  std::string ran(std::time_t now = kBegin) {
    const CertsOutcome outcome = run(now);
    EXPECT_EQ(outcome.problem, "");
    return outcome.lines;
  }
  /// Why a run ended early, having changed nothing.
  std::string refused(std::time_t now = kBegin) {
    const Files before = files();
    const CertsOutcome outcome = run(now);
    EXPECT_EQ(files(), before);
    return outcome.problem;
  }

  std::string path(const std::string& name) const { return options_.out + "/" + name; }
  std::string text(const std::string& name) const { return read_file(path(name)).value_or(""); }
  bool trusts(const std::string& authority, const std::string& leaf) const {
    return net::is_signed_by(text(leaf), text(authority));
  }
  std::vector<std::string> names(const std::string& leaf) const {
    const auto facts = net::issued_facts(text(leaf));
    return facts ? facts->names : std::vector<std::string>{facts.error().detail};
  }
  mode_t mode(const std::string& name) const {
    struct stat facts {};
    return ::stat(path(name).c_str(), &facts) == 0 ? facts.st_mode & 07777U : 0;
  }
  Files files() const {
    Files all;
    std::error_code none;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.out, none))
      if (entry.is_regular_file())
        all[std::filesystem::relative(entry, options_.out)] = read_file(entry.path()).value_or("");
    return all;
  }
  void remove(const std::string& name) const { std::filesystem::remove(path(name)); }

  test::TemporaryFolder folder_;
  CertsOptions options_;
};

TEST_F(Certs, AreThoseThatTheDeploymentsName) {
  options_.public_names = {"shop.test"};
  EXPECT_THAT(ran(), HasSubstr("made     secrets/app-b.crt"));
  std::vector<std::string> expected{"secrets/internal-ca.crt", "secrets/gateway-ca.crt",
                                    "secrets/admin-token", "secrets/cluster-token"};
  for (const char* pair :
       {"ca", "gateway-ca", "secrets/gateway", "secrets/app-a", "secrets/app-b", "secrets/hello",
        "secrets/visitors", "secrets/cluster", "tls/ecdsa", "tls/rsa"}) {
    expected.push_back(std::string(pair) + ".crt");
    expected.push_back(std::string(pair) + ".key");
    const auto read =
        net::Certificate::parse(text(expected[expected.size() - 2]), text(expected.back()));
    EXPECT_TRUE(read) << pair;
  }
  std::vector<std::string> found;
  for (const auto& [name, content] : files()) found.push_back(name);
  EXPECT_THAT(found, ::testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(names("secrets/app-a.crt"), (std::vector<std::string>{"app-a", "app-a.internal"}));
  EXPECT_EQ(names("tls/rsa.crt"), std::vector<std::string>{"shop.test"});
  EXPECT_THAT(text("secrets/admin-token"), ::testing::MatchesRegex("[0-9a-f]{32}\n"));
  EXPECT_NE(text("secrets/admin-token"), text("secrets/cluster-token"));
}

TEST_F(Certs, TheReplicasAuthoritySignsTheirOwnAndNothingElse) {
  ran();
  EXPECT_TRUE(trusts("secrets/internal-ca.crt", "secrets/gateway.crt"));
  EXPECT_TRUE(trusts("secrets/gateway-ca.crt", "secrets/cluster.crt"));
  EXPECT_FALSE(trusts("secrets/gateway-ca.crt", "secrets/gateway.crt"));
  EXPECT_FALSE(trusts("secrets/internal-ca.crt", "secrets/cluster.crt"));
}

TEST_F(Certs, StayWhereTheyAreStillGood) {
  ran();
  const Files before = files();
  const std::string lines = ran(kBegin + 59 * kADay);
  EXPECT_EQ(files(), before);
  EXPECT_THAT(lines, AllOf(HasSubstr("kept     secrets/gateway.crt"), Not(HasSubstr("renewed")),
                           Not(HasSubstr("made"))));
}

TEST_F(Certs, AreRenewedAThirdBeforeTheirEnd) {
  ran();
  const Files before = files();
  EXPECT_THAT(ran(kBegin + 61 * kADay), HasSubstr("renewed  secrets/gateway.crt"));
  for (const auto& [name, content] : files()) {
    const bool stays = name.find("ca.") != std::string::npos || name.ends_with("-token");
    EXPECT_EQ(content == before.at(name), stays) << name;
  }
}

TEST_F(Certs, AreRenewedSoLongBeforeTheirEndAsOneAsks) {
  ran();
  options_.renew_before = 7;
  EXPECT_THAT(ran(kBegin + 82 * kADay), Not(HasSubstr("renewed")));
  EXPECT_THAT(ran(kBegin + 84 * kADay), HasSubstr("it was to end on"));
}

TEST_F(Certs, AreRenewedForOtherNamesAndServices) {
  options_.services = {"billing"};
  ran();
  const std::string cluster = text("secrets/cluster.crt");
  options_.names = {"Shop.Internal", "10.0.0.7"};
  EXPECT_THAT(ran(), HasSubstr("it was for other names"));
  EXPECT_EQ(names("secrets/billing.crt"),
            (std::vector<std::string>{"10.0.0.7", "billing", "billing.internal", "shop.internal"}));
  EXPECT_EQ(text("secrets/cluster.crt"), cluster);
  options_.services = {"billing", "stock", "stock"};
  const std::string lines = ran();
  EXPECT_THAT(lines, AllOf(HasSubstr("kept     secrets/billing.crt"),
                           HasSubstr("made     secrets/stock.crt")));
}

TEST_F(Certs, OnlyWhatIsBrokenIsRenewed) {
  ran();
  CertsOptions other = options_;
  other.out = folder_.path("other");
  make_certificates(other, kBegin);
  for (const char* end : {".crt", ".key"})
    std::filesystem::copy_file(other.out + "/secrets/app-a" + end, path("secrets/app-a") + end,
                               std::filesystem::copy_options::overwrite_existing);
  remove("secrets/app-b.key");
  (void)folder_.write("made/secrets/hello.crt", "half of a certif");
  const std::string lines = ran();
  EXPECT_THAT(
      lines,
      AllOf(HasSubstr("another authority signed it"), HasSubstr("its key was not there"),
            HasSubstr("renewed  secrets/hello.crt"), HasSubstr("kept     secrets/visitors.crt")));
  EXPECT_TRUE(trusts("secrets/internal-ca.crt", "secrets/app-a.crt"));
  EXPECT_THAT(ran(), Not(HasSubstr("renewed")));
}

TEST_F(Certs, KeysAreForTheirOwnerAlone) {
  options_.public_names = {"shop.test"};
  ran();
  for (const auto& [name, content] : files())
    EXPECT_EQ(mode(name), name.ends_with(".crt") ? 0644U : 0600U) << name;
  EXPECT_EQ(mode("secrets"), 0700U);
}

TEST_F(Certs, AGroupReadsKeysButNotThoseOfAuthorities) {
  options_.group = "root";
  if (::getgid() != 0) options_.group = "no such group";
  const CertsOutcome outcome = run();
  if (::getgid() != 0) {
    EXPECT_THAT(outcome.problem, HasSubstr("groupadd --system no such group"));
    return;
  }
  EXPECT_EQ(outcome.problem, "");
  EXPECT_EQ(mode("secrets/app-a.key"), 0640U);
  EXPECT_EQ(mode("secrets/admin-token"), 0640U);
  EXPECT_EQ(mode("secrets"), 0750U);
  EXPECT_EQ(mode("ca.key"), 0600U);
}

TEST_F(Certs, ARenewedOneIsAsReadableAsTheOneBefore) {
  ran();
  ASSERT_EQ(::chmod(path("secrets/app-a.key").c_str(), 0440), 0);
  ran(kBegin + 80 * kADay);
  EXPECT_EQ(mode("secrets/app-a.key"), 0440U);
}

TEST_F(Certs, ABrokenAuthorityIsNeverReplacedUnasked) {
  ran();
  const std::string good = text("ca.key");
  (void)folder_.write("made/ca.key", text("gateway-ca.key"));
  EXPECT_THAT(refused(), AllOf(HasSubstr("made/ca.key: the private key does not belong"),
                               HasSubstr("--force-ca")));
  (void)folder_.write("made/ca.key", "nothing");
  EXPECT_THAT(refused(), HasSubstr("made/ca.key: no private key"));
  (void)folder_.write("made/ca.key", good);
  EXPECT_THAT(refused(kBegin + 3651 * kADay), HasSubstr("made/ca.crt: it has ended"));
  const std::string certificate = text("ca.crt");
  remove("ca.crt");
  EXPECT_THAT(refused(), HasSubstr("made/ca.crt: there is a key without it"));
  remove("ca.key");
  EXPECT_THAT(refused(), AllOf(HasSubstr("secrets/internal-ca.crt is"), HasSubstr("--force-ca")));
  (void)folder_.write("made/ca.crt", certificate);
  (void)folder_.write("made/ca.key", good);
  EXPECT_THAT(ran(), Not(AnyOf(HasSubstr("made"), HasSubstr("renewed"))));
}

TEST_F(Certs, TheAuthoritysKeyIsMissedOnlyWhereItIsNeeded) {
  ran();
  remove("ca.key");
  EXPECT_THAT(ran(), HasSubstr("kept     secrets/app-a.crt"));
  EXPECT_THAT(refused(kBegin + 80 * kADay),
              AllOf(HasSubstr("secrets/gateway.crt cannot be renewed (it was to end on"),
                    HasSubstr("made/ca.key is not there: put it back")));
}

TEST_F(Certs, AnAuthorityThatAnotherSignedIsNoNewOne) {
  ran();
  (void)folder_.write("made/ca.crt", text("secrets/app-a.crt"));
  remove("ca.key");
  const CertsOutcome outcome = run();
  EXPECT_THAT(outcome.lines, HasSubstr("kept     ca.crt"));
  EXPECT_THAT(outcome.problem, HasSubstr("made/ca.key is not there: put it back"));
}

TEST_F(Certs, AnAuthorityIsReplacedInThreeRunsThatEachStayTrusted) {
  ran();
  const Files first = files();
  options_.force_authority = true;
  EXPECT_THAT(ran(), HasSubstr("the one before it is trusted too"));
  // Everybody learns of the new one while the old certificates are still shown.
  EXPECT_NE(text("ca.key"), first.at("ca.key"));
  EXPECT_EQ(text("secrets/internal-ca.crt"), text("ca.crt"));
  EXPECT_EQ(net::certificates_of(text("ca.crt")).size(), 2U);
  EXPECT_THAT(text("ca.crt"), ::testing::EndsWith(first.at("ca.crt")));
  EXPECT_EQ(text("secrets/app-a.crt"), first.at("secrets/app-a.crt"));
  EXPECT_EQ(text("secrets/cluster.crt"), first.at("secrets/cluster.crt"));
  // Then the new one signs, and who still shows an old certificate is let in.
  options_.force_authority = false;
  ran();
  EXPECT_TRUE(trusts("ca.crt", "secrets/app-a.crt"));
  EXPECT_TRUE(trusts("secrets/gateway-ca.crt", "secrets/cluster.crt"));
  EXPECT_EQ(net::certificates_of(text("secrets/internal-ca.crt")).size(), 2U);
  ran();
  EXPECT_EQ(net::certificates_of(text("secrets/internal-ca.crt")).size(), 1U);
  EXPECT_EQ(text("secrets/internal-ca.crt"), text("ca.crt"));
  const Files settled = files();
  ran();
  EXPECT_EQ(files(), settled);
}

TEST_F(Certs, AnAuthorityThatNobodyShallTrustIsRemovedFirst) {
  ran();
  const std::string before = text("secrets/app-a.crt");
  remove("ca.crt");
  remove("ca.key");
  options_.force_authority = true;
  ran();
  EXPECT_EQ(net::certificates_of(text("secrets/internal-ca.crt")).size(), 1U);
  EXPECT_FALSE(net::is_signed_by(before, text("ca.crt")));
  EXPECT_TRUE(trusts("ca.crt", "secrets/app-a.crt"));
}

TEST_F(Certs, WhatEndsWithItsAuthorityIsNotRenewedAtEachRun) {
  ran();
  const std::time_t late = kBegin + 3600 * kADay;
  const CertsOutcome outcome = run(late);
  EXPECT_THAT(outcome.lines, HasSubstr("renewed  secrets/app-a.crt"));
  EXPECT_THAT(outcome.remarks, HasSubstr("ca.crt ends on 2040-"));
  EXPECT_EQ(net::issued_facts(text("secrets/app-a.crt"))->not_after, kBegin + 3650 * kADay);
  EXPECT_THAT(ran(late + 40 * kADay), Not(HasSubstr("renewed")));
}

TEST_F(Certs, WrongOptionsMakeNothing) {
  options_.days = 30;
  options_.renew_before = 30;
  EXPECT_THAT(refused(), HasSubstr("--renew-before 30 is not less than --days 30"));
  options_.renew_before = 0;
  options_.names = {"a b"};
  EXPECT_THAT(refused(), HasSubstr("\"a b\""));
  options_.names.clear();
  for (const char* service : {"../app", "gateway-ca", "cluster", "", "*"}) {
    options_.services = {service};
    EXPECT_THAT(refused(), HasSubstr("cannot be the name of a service")) << service;
  }
  options_.services.clear();
  options_.out = folder_.write("file", "") + "/below";
  EXPECT_THAT(run().problem, HasSubstr("file/below cannot be made: name a folder"));
}

TEST_F(Certs, AnEmptyTokenIsNoToken) {
  ran();
  const std::string cluster = text("secrets/cluster-token");
  (void)folder_.write("made/secrets/admin-token", "");
  EXPECT_THAT(ran(), HasSubstr("made     secrets/admin-token"));
  EXPECT_EQ(text("secrets/cluster-token"), cluster);
  EXPECT_EQ(text("secrets/admin-token").size(), 33U);
}

TEST_F(Certs, AFolderMayBeNamedWithASlash) {
  options_.out += "/";
  ran();
  options_.out = folder_.path("made");
  EXPECT_EQ(mode(""), 0700U);
  EXPECT_TRUE(trusts("ca.crt", "secrets/gateway.crt"));
}

}  // namespace
}  // namespace gateway::server
