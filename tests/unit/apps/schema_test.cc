#include "apps/database/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace gateway::apps {
namespace {

using testing::HasSubstr;

constexpr Migration kTwoSteps[] = {
    {1, "CREATE TABLE things (name TEXT)", ""},
    {2, "ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7", ""},
};

Schema schema_of(std::span<const Migration> steps) {
  return {"things", "things_version", 1, steps};
}

TEST(Migrations, EachStepIsTakenOnceAndInOrder) {
  const auto database = open_database(":memory:").value();
  const Schema first = schema_of(std::span(kTwoSteps).first(1));
  EXPECT_EQ(migrate(*database, first), 1);
  ASSERT_TRUE(database->run("INSERT INTO things VALUES ('old')").has_value());
  EXPECT_EQ(migrate(*database, schema_of(kTwoSteps)), 1);
  EXPECT_EQ(migrate(*database, schema_of(kTwoSteps)), 0);
  EXPECT_EQ(database->read("SELECT name, size FROM things").value(), (Rows{{"old", "7"}}));
}

TEST(Migrations, AStepThatFailsLeavesTheSchemaAsItWas) {
  static constexpr Migration kBroken[] = {kTwoSteps[0], {2, "ALTER TABLE nothing ADD x TEXT", ""}};
  const auto database = open_database(":memory:").value();
  EXPECT_FALSE(migrate(*database, schema_of(kBroken)).has_value());
  EXPECT_FALSE(database->read("SELECT name FROM things").has_value());
  EXPECT_EQ(migrate(*database, schema_of(kTwoSteps)), 2);
}

TEST(Migrations, AnOlderSchemaIsRefusedWithTheMendAndANewerOneIsFine) {
  const auto database = open_database(":memory:").value();
  const Schema first = schema_of(std::span(kTwoSteps).first(1));
  ASSERT_TRUE(migrate(*database, first).has_value());
  const auto checked = check_version(*database, schema_of(kTwoSteps));
  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(checked.error().detail, HasSubstr("version 1 and this program needs 2"));
  EXPECT_THAT(checked.error().detail, HasSubstr("run things migrate"));
  ASSERT_TRUE(migrate(*database, schema_of(kTwoSteps)).has_value());
  EXPECT_TRUE(check_version(*database, first).has_value());
}

}  // namespace
}  // namespace gateway::apps
