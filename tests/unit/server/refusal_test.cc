#include "gateway/server/refusal.h"

#include <gtest/gtest.h>

namespace gateway::server {
namespace {

constexpr bool kFile = false;
constexpr bool kObjects = true;

TEST(Refusal, LastsUntilSomethingIsAccepted) {
  Refusal refusal;
  EXPECT_FALSE(refusal.lasts());
  refusal.heard(kFile, false);
  EXPECT_TRUE(refusal.lasts());
  refusal.heard(kFile, true);
  EXPECT_FALSE(refusal.lasts());
}

TEST(Refusal, ObjectsSayNothingOfAFile) {
  Refusal refusal;
  refusal.heard(kFile, false);
  refusal.heard(kObjects, true);
  EXPECT_TRUE(refusal.lasts()) << "they were taken with the file in use, not with the newest";
  refusal.heard(kFile, true);
  EXPECT_FALSE(refusal.lasts());
}

TEST(Refusal, AFileIsTakenTogetherWithTheObjects) {
  Refusal refusal;
  refusal.heard(kObjects, false);
  refusal.heard(kFile, false);
  refusal.heard(kObjects, true);
  EXPECT_TRUE(refusal.lasts());
  refusal.heard(kObjects, false);
  refusal.heard(kFile, true);
  EXPECT_FALSE(refusal.lasts());
}

}  // namespace
}  // namespace gateway::server
