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

TEST(Base64, EncodesWithPadding) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("a"), "YQ==");
  EXPECT_EQ(encode_base64("ab"), "YWI=");
  EXPECT_EQ(encode_base64("abc"), "YWJj");
  EXPECT_EQ(encode_base64("\xfb\xff\xbf"), "+/+/");
}

}  // namespace
}  // namespace gateway
