#include "apps/app_b/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace gateway::apps {
namespace {

using testing::HasSubstr;

std::unique_ptr<Database> empty_users() {
  auto database = open_database(":memory:").value();
  EXPECT_TRUE(migrate(*database, users_schema()).has_value());
  return database;
}

TEST(Users, AreFoundByTheirTokenAlone) {
  const auto users = empty_users();
  ASSERT_EQ(add_user(*users, "ann", "first"), true);
  EXPECT_EQ(find_user(*users, "first").value(), "ann");
  EXPECT_EQ(find_user(*users, "second").value(), std::nullopt);
  EXPECT_EQ(users->read("SELECT count(*) FROM users WHERE token_sha256 = 'first'").value(),
            (Rows{{"0"}}));
}

TEST(Users, AnotherOfTheNameIsNotAdded) {
  const auto users = empty_users();
  ASSERT_EQ(add_user(*users, "ann", "first"), true);
  EXPECT_EQ(add_user(*users, "ann", "second"), false);
  EXPECT_EQ(find_user(*users, "second").value(), std::nullopt);
}

TEST(Users, ANewTokenEndsTheOldOne) {
  const auto users = empty_users();
  ASSERT_EQ(add_user(*users, "ann", "first"), true);
  EXPECT_EQ(rotate_token(*users, "ann", "second"), true);
  EXPECT_EQ(find_user(*users, "first").value(), std::nullopt);
  EXPECT_EQ(find_user(*users, "second").value(), "ann");
  EXPECT_EQ(rotate_token(*users, "bob", "third"), false);
}

TEST(Users, WhoIsDisabledComesInWithANewTokenOnly) {
  const auto users = empty_users();
  ASSERT_EQ(add_user(*users, "ann", "first"), true);
  EXPECT_EQ(disable_user(*users, "ann"), true);
  EXPECT_EQ(disable_user(*users, "bob"), false);
  EXPECT_EQ(find_user(*users, "first").value(), std::nullopt);
  EXPECT_TRUE(list_users(*users).value().front().disabled);
  ASSERT_EQ(rotate_token(*users, "ann", "second"), true);
  EXPECT_EQ(find_user(*users, "second").value(), "ann");
  EXPECT_FALSE(list_users(*users).value().front().disabled);
}

TEST(Users, TheDevelopmentTokenIsRefusedUntilItLetsNobodyIn) {
  const auto users = empty_users();
  EXPECT_TRUE(refuse_development_token(*users).has_value());
  ASSERT_TRUE(put_user(*users, kDevelopmentUser, kDevelopmentToken).has_value());
  const auto refused = refuse_development_token(*users);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().detail, HasSubstr("app_b user rotate density"));
  ASSERT_EQ(disable_user(*users, kDevelopmentUser), true);
  EXPECT_TRUE(refuse_development_token(*users).has_value());
}

}  // namespace
}  // namespace gateway::apps
