#include "gateway/base/size.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

TEST(Size, IsReadWithAndWithoutUnit) {
  const std::pair<const char*, std::uint64_t> rows[] = {{"0", 0},
                                                        {"512", 512},
                                                        {"512B", 512},
                                                        {"64KiB", 65536},
                                                        {"10MB", 10'000'000},
                                                        {"1.5MiB", 1572864},
                                                        {"2GiB", 2147483648},
                                                        {"1GB", 1'000'000'000}};
  for (const auto& [text, bytes] : rows) {
    const auto parsed = parse_size(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* text : {"", "B", "-1", "+1", "1 KB", "64K", "64kb", "1TB", "0x10", "1e3", "nan",
                           "9007199254740992", "99999999999GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, IsWrittenAsItReadsBack) {
  const std::pair<std::uint64_t, const char*> rows[] = {
      {0, "0"}, {513, "513"}, {65536, "64KiB"}, {10'000'000, "10MB"}, {1U << 20, "1MiB"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(format_size(bytes), text);
    EXPECT_EQ(parse_size(text).value_or(1), bytes);
  }
}

}  // namespace
}  // namespace gateway
