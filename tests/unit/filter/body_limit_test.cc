#include <gtest/gtest.h>

#include "tests/unit/filter/fixtures.h"

namespace gateway::filter {
namespace {

using test::Bound;
using test::Exchange;
using test::map;
using test::Services;

class BodyLimitTest : public testing::Test {
 protected:
  Verdict on(http::BodySize body) {
    exchange_.request.body = body;
    return filter_->on_request(exchange_.context);
  }
  Result<void> send(std::string_view bytes) {
    return exchange_.context.request_stages[0]->on_body(bytes);
  }

  Services services_;
  Bound filter_{"body_limit", map({{"size", config::Size{10}}}), services_};
  Exchange exchange_{services_};
};

TEST_F(BodyLimitTest, JudgesAnAnnouncedLengthAtTheHead) {
  EXPECT_EQ(on({}), Verdict::proceed);
  EXPECT_EQ(on({http::Framing::length, 10}), Verdict::proceed);
  EXPECT_EQ(on({http::Framing::length, 11}), Verdict::reply);
  EXPECT_EQ(exchange_.context.reply.code, ErrorCode::body_too_large);
  EXPECT_EQ(exchange_.context.request_stage_count, 0U) << "nothing to count";
}

TEST_F(BodyLimitTest, CountsAStreamedBody) {
  EXPECT_EQ(on({http::Framing::chunked}), Verdict::proceed);
  ASSERT_EQ(exchange_.context.request_stage_count, 1U);
  EXPECT_TRUE(send("12345"));
  EXPECT_TRUE(send("67890"));
  const auto more = send("1");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::body_too_large);
}

TEST_F(BodyLimitTest, FailsClosedWhenItCannotCount) {
  for (std::size_t i = 0; i < RequestContext::kMaxStages; ++i) on({http::Framing::chunked});
  EXPECT_EQ(on({http::Framing::chunked}), Verdict::reply);
}

}  // namespace
}  // namespace gateway::filter
