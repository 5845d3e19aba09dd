#include "gateway/custom_metrics/serving_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/net/certificate.h"

namespace gateway::custom_metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::time_t kNow = 1'900'000'000;
constexpr std::time_t kHour = 3600;
constexpr std::time_t kDay = 24 * kHour;
constexpr const char* kName = "metrics.gateway.svc";

/// The Secret, which a leader keeps as it should be.
class ServingAuthorityTest : public testing::Test {
 protected:
  ServingAuthorityTest() { EXPECT_TRUE(renew(kNow)); }

  bool renew(std::time_t now) {
    const auto wanted = ServingAuthority::renewed(secret_, now);
    EXPECT_TRUE(wanted) << wanted.error().to_string();
    if (!wanted || !*wanted) return false;
    secret_ = **wanted;
    return true;
  }
  ServingAuthority authority() { return ServingAuthority::read(secret_).value(); }
  /// The subject of whoever signs at that time, by whose certificate the leaf's issuer is known.
  std::string signed_by(std::time_t now) {
    const auto material = authority().issue({kName}, now).value();
    const auto leaf = net::Certificate::parse(material.own.certificate, material.own.key).value();
    for (const char* key : {"ca.crt", "next-ca.crt"})
      if (const auto found = secret_.find(key);
          found != secret_.end() && is_issuer(found->second, *leaf))
        return key;
    return "nobody";
  }
  /// The issuer's subject stands in the leaf, and has a random part.
  bool is_issuer(const std::string& authority_pem, const net::Certificate& leaf) {
    const std::string key =
        secret_.at(authority_pem == secret_.at("ca.crt") ? "ca.key" : "next-ca.key");
    const std::string subject = net::Certificate::parse(authority_pem, key).value()->subject();
    return leaf.chain().front().find(subject.substr(3)) != std::string::npos;
  }

  SecretData secret_;
};

TEST_F(ServingAuthorityTest, AFirstOneIsMadeAndStays) {
  EXPECT_EQ(secret_.size(), 2U);
  EXPECT_FALSE(renew(kNow + 1));
  EXPECT_FALSE(renew(kNow + 274 * kDay));
  EXPECT_EQ(authority().trusted(), secret_.at("ca.crt"));
}

TEST_F(ServingAuthorityTest, EachReplicaSignsForItself) {
  const auto one = authority().issue({kName}, kNow).value();
  const auto two = authority().issue({kName}, kNow).value();
  EXPECT_NE(one.own.key, two.own.key);
  EXPECT_EQ(one.trusted, secret_.at("ca.crt"));
  EXPECT_EQ(one.renew_at, kNow + 16 * kHour);
  const auto leaf = net::Certificate::parse(one.own.certificate, one.own.key).value();
  EXPECT_EQ(leaf->names(), std::vector<std::string>{kName});
  EXPECT_EQ(leaf->not_after(), kNow + kDay);
}

TEST_F(ServingAuthorityTest, ASuccessorIsTrustedADayBeforeItSigns) {
  const std::time_t made = kNow + 275 * kDay;
  const std::string first = secret_.at("ca.crt");
  ASSERT_TRUE(renew(made));
  EXPECT_EQ(secret_.at("ca.crt"), first);
  const std::string second = secret_.at("next-ca.crt");
  EXPECT_THAT(authority().trusted(), HasSubstr(first));
  EXPECT_THAT(authority().trusted(), HasSubstr(second));
  EXPECT_EQ(signed_by(made), "ca.crt");
  EXPECT_EQ(signed_by(made + kDay - 1), "ca.crt");
  EXPECT_EQ(signed_by(made + kDay), "next-ca.crt");

  EXPECT_FALSE(renew(made + 2 * kDay)) << "what the old one signed may still live";
  ASSERT_TRUE(renew(made + 2 * kDay + kHour));
  EXPECT_EQ(secret_.at("ca.crt"), second);
  EXPECT_FALSE(secret_.contains("next-ca.crt"));
  EXPECT_FALSE(secret_.contains("next-ca.key"));
  EXPECT_THAT(authority().trusted(), Not(HasSubstr(first)));
  EXPECT_EQ(signed_by(made + 3 * kDay), "ca.crt");
}

TEST_F(ServingAuthorityTest, NobodyWasThereForLong) {
  const std::string first = secret_.at("ca.crt");
  ASSERT_TRUE(renew(kNow + 400 * kDay));
  EXPECT_NE(secret_.at("ca.crt"), first) << "it has expired: nobody believes it any more";
  EXPECT_EQ(signed_by(kNow + 400 * kDay), "ca.crt");
}

TEST_F(ServingAuthorityTest, AnExpiredOneGivesWayToItsSuccessor) {
  ASSERT_TRUE(renew(kNow + 364 * kDay + 12 * kHour));
  const std::string second = secret_.at("next-ca.crt");
  const std::time_t after_the_end = kNow + 365 * kDay;
  EXPECT_EQ(signed_by(after_the_end), "next-ca.crt") << "before its day, as there is no other";
  ASSERT_TRUE(renew(after_the_end));
  EXPECT_EQ(secret_.at("ca.crt"), second);
}

TEST_F(ServingAuthorityTest, AnExpiredOneSignsNothing) {
  EXPECT_FALSE(authority().issue({kName}, kNow + 365 * kDay));
}

TEST_F(ServingAuthorityTest, WhatElseTheSecretHoldsStays) {
  secret_["note"] = "kept";
  ASSERT_TRUE(renew(kNow + 275 * kDay));
  EXPECT_EQ(secret_.at("note"), "kept");
}

TEST_F(ServingAuthorityTest, WhatCannotBeReadIsNotOverwritten) {
  secret_["ca.key"] = "broken";
  const auto wanted = ServingAuthority::renewed(secret_, kNow);
  ASSERT_FALSE(wanted);
  EXPECT_THAT(wanted.error().detail, HasSubstr("ca.crt"));
  EXPECT_FALSE(ServingAuthority::read(secret_));
  secret_.erase("ca.key");
  EXPECT_FALSE(ServingAuthority::renewed(secret_, kNow));
  EXPECT_FALSE(ServingAuthority::read({}));
}

TEST(ServiceName, AsTheApiServerAsks) {
  EXPECT_EQ(service_name("metrics", "gateway"), "metrics.gateway.svc");
}

}  // namespace
}  // namespace gateway::custom_metrics
