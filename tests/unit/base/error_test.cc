#include "gateway/base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "gateway/base/result.h"

namespace gateway {
namespace {

TEST(ErrorTest, EveryCodeHasAFlagALabelAndAStatus) {
  std::set<std::string_view> flags, labels;
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const ErrorDescription& row = describe(static_cast<ErrorCode>(i));
    EXPECT_TRUE(flags.insert(row.flag).second) << row.flag;
    EXPECT_TRUE(labels.insert(row.label).second) << row.label;
    EXPECT_TRUE(row.status == 0 || (row.status >= 200 && row.status <= 599)) << row.label;
  }
}

TEST(ErrorTest, ResultsCarryTheError) {
  const Result<int> result = failure(ErrorCode::connect_failed, Side::upstream, "refused", true);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().retriable);
  EXPECT_EQ(result.error().to_string(), "connect_failed: refused");
}

}  // namespace
}  // namespace gateway
