#include "gateway/base/duration.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsReadFromNumberAndUnit) {
  const std::pair<const char*, Duration> rows[] = {
      {"0", 0s},       {"0s", 0s},   {"250ms", 250ms},     {"1.5s", 1500ms},
      {"0.1s", 100ms}, {"2m", 2min}, {"1h", 1h},           {"1h30m", 90min},
      {"7us", 7us},    {"7ns", 7ns}, {"1m1s1ms", 61001ms}, {"876000h", 876000h}};
  for (const auto& [text, duration] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* text : {"", "5", "s", "-1s", "+1s", "1 s", "1d", "1S", "1s2", "1e3s", "0x1s",
                           "nan", "inf", "infs", ".5s", "s1", "1ss", "9999999h", "1.2.3s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, IsWrittenAsItReadsBack) {
  const std::pair<Duration, const char*> rows[] = {{0s, "0s"},    {90s, "90s"},       {60s, "1m"},
                                                   {3600s, "1h"}, {1500ms, "1500ms"}, {1ns, "1ns"}};
  for (const auto& [duration, text] : rows) {
    EXPECT_EQ(format_duration(duration), text);
    EXPECT_EQ(parse_duration(text).value_or(-1s), duration);
  }
}

}  // namespace
}  // namespace gateway
