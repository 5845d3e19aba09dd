#include <gtest/gtest.h>

#include "gateway/base/hash.h"
#include "gateway/routing/query.h"
#include "gateway/routing/regex.h"
#include "gateway/routing/split.h"

namespace gateway::routing {
namespace {

TEST(LiteralPrefix, NeverClaimsTooMuch) {
  EXPECT_EQ(literal_prefix("/v1/users/[0-9]+"), "/v1/users/");
  EXPECT_EQ(literal_prefix("^/a\\.b\\-c/.*"), "/a.b-c/");
  EXPECT_EQ(literal_prefix("/ab?"), "/a");
  EXPECT_EQ(literal_prefix("/ab*c"), "/a");
  EXPECT_EQ(literal_prefix("/ab{0,1}"), "/a");
  EXPECT_EQ(literal_prefix("/ab+"), "/ab");
  EXPECT_EQ(literal_prefix("/a|/b"), "");
  EXPECT_EQ(literal_prefix("/a/(x|y)"), "/a/");
  EXPECT_EQ(literal_prefix("/a/[|]x"), "/a/");
  EXPECT_EQ(literal_prefix("/a[[:alpha:](]|/x"), "");
  EXPECT_EQ(literal_prefix("/a[])(]|/x"), "");
  EXPECT_EQ(literal_prefix("/a\\Q(\\E|/x"), "");
  EXPECT_EQ(literal_prefix("/a\\d"), "/a");
  EXPECT_EQ(literal_prefix("(?i)/a"), "");
  EXPECT_EQ(literal_prefix("/caf\xc3\xa9?"), "/caf");
}

TEST(RegexCache, CompilesAPatternOnceAndForgetsIt) {
  RegexCache cache;
  auto first = cache.compile("/a+");
  auto second = cache.compile("/a+");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(matches_whole(**first, "/aaa"));
  EXPECT_FALSE(matches_whole(**first, "/aaab"));
  *first = *second = nullptr;
  cache.drop_unused();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_FALSE(cache.compile("/("));
}

TEST(DecodeParameter, DecodesOnlyWhatIsEncoded) {
  char buffer[kLongestParameter];
  EXPECT_EQ(decode_parameter("plain", buffer), "plain");
  EXPECT_EQ(decode_parameter("a+b%20c%2B", buffer), "a b c+");
  EXPECT_EQ(decode_parameter("100%", buffer), "100%");
  EXPECT_EQ(decode_parameter("%4", buffer), "%4");
  EXPECT_EQ(decode_parameter("%zz%41", buffer), "%zzA");
  EXPECT_EQ(decode_parameter(std::string(kLongestParameter + 1, 'a'), buffer), std::nullopt);
}

TEST(Hash, FoldsLettersAlone) {
  for (int c = 0; c < 256; ++c) {
    const std::uint64_t word = 0x0101010101010101ULL * static_cast<unsigned>(c);
    const int lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
    EXPECT_EQ(fold_word(word), 0x0101010101010101ULL * static_cast<unsigned>(lower)) << c;
  }
  EXPECT_EQ(hash_folded("X-Forwarded-Tenant"), hash_folded("x-forwarded-TENANT"));
  EXPECT_NE(hash_bytes("a"), hash_bytes({"a\0", 2}));
}

TEST(Split, FollowsTheWeights) {
  const Split split({{"a", 3}, {"none", 0}, {"b", 1}});
  int count[3] = {};
  for (std::uint64_t i = 0; i < 4000; ++i) {
    ++count[split.pick(static_cast<std::uint32_t>((i << 32) / 4000))];
  }
  EXPECT_EQ(count[0], 3000);
  EXPECT_EQ(count[1], 0);
  EXPECT_EQ(count[2], 1000);
  EXPECT_EQ(split.pick(UINT32_MAX), 2U);
}

TEST(Split, HasNothingToPickWithoutWeight) {
  EXPECT_EQ(Split({{"a", 0}, {"b", 0}}).pick(7), Split::kNothing);
  EXPECT_EQ(Split().pick(7), Split::kNothing);
  EXPECT_EQ(Split({{"a", 5}}).pick(UINT32_MAX), 0U);
}

}  // namespace
}  // namespace gateway::routing
