#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/filter/password_hash.h"
#include "gateway/filter/user_list.h"

namespace gateway::filter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Made by `openssl passwd`, `htpasswd` and crypt(3).
constexpr const char* kSecret[] = {
    "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "$apr1$r31.....$G/cElGhD0cboYkZN5h5Ne/",
    "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
    "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
    ("$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/"
     "1GM/O6IND4WQhG."),
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="};

TEST(PasswordHash, KnowsTheRightPassword) {
  for (const char* hash : kSecret) {
    EXPECT_EQ(unusable_hash(hash), "") << hash;
    EXPECT_TRUE(password_matches("secret", hash)) << hash;
    for (const char* wrong : {"Secret", "secre", "secrets", ""})
      EXPECT_FALSE(password_matches(wrong, hash)) << hash << " " << wrong;
  }
}

TEST(PasswordHash, ApacheVariantAgreesForEveryLength) {
  EXPECT_TRUE(password_matches("", "$apr1$r31.....$iQoXxeL5pW.kaXVrniDCU0"));
  EXPECT_TRUE(password_matches("p\xc3\xa4ssword", "$apr1$r31.....$f/MNEvFtDdEngPZeIhAr.0"));
  EXPECT_TRUE(password_matches("0123456789012345678901234567890123456789",
                               "$apr1$r31.....$mx69qP0XqMmmhwFCiSSuh1"));
}

TEST(PasswordHash, RefusesWhatItCannotCheckOrAfford) {
  for (const char* bad :
       {"secret", "", "{PLAIN}secret", "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SHA}5en6",
        "ab01FAX.bQRSU", "$y$j9T$abc$def", "$2y$04$short",
        "$2y$15$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$2y$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$2y$xx$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$5$rounds=999999999$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
        "$6$abcdefgh$short", "$apr1$$G/cElGhD0cboYkZN5h5Ne/", "$apr1$r31.....$short",
        "$apr1$toolongasalt$G/cElGhD0cboYkZN5h5Ne/"})
    EXPECT_NE(unusable_hash(bad), "") << bad;
}

TEST(PasswordHash, MessagesDoNotQuoteIt) {
  EXPECT_THAT(unusable_hash("hunter2"), Not(HasSubstr("hunter2")));
  const auto users = UserList::parse("admin:hunter2\n");
  ASSERT_FALSE(users);
  EXPECT_THAT(users.error().detail, HasSubstr("line 1 of the users: admin"));
  EXPECT_THAT(users.error().detail, Not(HasSubstr("hunter2")));
}

TEST(UserList, ReadsLinesAsHtpasswdWritesThem) {
  const std::string text =
      std::string("# ours\n\nann:") + kSecret[1] + "\r\nbob:" + kSecret[5] + ":a comment\n";
  const auto users = UserList::parse(text);
  ASSERT_TRUE(users) << users.error().detail;
  EXPECT_TRUE(users->matches("ann", "secret"));
  EXPECT_TRUE(users->matches("bob", "secret"));
  EXPECT_FALSE(users->matches("ann", "other"));
  EXPECT_FALSE(users->matches("eve", "secret"));
  EXPECT_FALSE(users->matches("", "secret"));
}

TEST(UserList, RefusesWhatIsNoList) {
  const std::string good = std::string("ann:") + kSecret[1] + "\n";
  for (const std::string& bad :
       {std::string(), std::string("# nobody\n"), std::string("ann\n"), ":" + good, good + good})
    EXPECT_FALSE(UserList::parse(bad)) << bad;
}

}  // namespace
}  // namespace gateway::filter
