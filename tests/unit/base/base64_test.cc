#include "gateway/base/base64.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(Base64, DecodesAndRefuses) {
  EXPECT_EQ(decode_base64("aGVsbG8="), "hello");
  EXPECT_EQ(decode_base64("aGVs\nbG8h"), "hello!");
  EXPECT_EQ(decode_base64("aA=="), "h");
  EXPECT_EQ(decode_base64("////"), "\xff\xff\xff");
  EXPECT_EQ(decode_base64(""), "");
  for (const char* bad : {"a", "aGVsbG8", "====", "a===", "aA=a", "aG Vs", "aGV*"})
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace gateway
