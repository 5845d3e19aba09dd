#include "gateway/server/first_answers.h"

#include <gmock/gmock.h>

#include <optional>

#include "tests/unit/runtime/turns.h"

namespace gateway::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FirstAnswersTest : public testing::Test {
 protected:
  void ask() {
    first_.when_heard([this](const std::vector<std::string>& missing) {
      ++calls_;
      missing_ = missing;
    });
  }

  EventLoop loop_;
  FirstAnswers first_{loop_};
  int calls_ = 0;
  std::vector<std::string> missing_;
};

TEST_F(FirstAnswersTest, ComeAtOnceWhereNoNameIsAskedFor) {
  first_.expect({});
  ask();
  EXPECT_EQ(calls_, 1);
}

TEST_F(FirstAnswersTest, AreCompleteWhenEachNameWasHeardOf) {
  first_.expect({"a", "b"});
  first_.heard("b");
  first_.heard("b");
  first_.heard("other");
  ask();
  EXPECT_EQ(calls_, 0);
  first_.heard("a");
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(missing_, IsEmpty());
  first_.heard("a");
  EXPECT_EQ(calls_, 1);
}

TEST_F(FirstAnswersTest, AreNotWaitedForForEver) {
  FirstAnswers first(loop_, std::chrono::milliseconds(10));
  first.expect({"a", "b", "c"});
  std::optional<std::vector<std::string>> missing;
  first.when_heard([&](const std::vector<std::string>& names) { missing = names; });
  first.heard("b");
  ASSERT_TRUE(run_until(loop_, [&] { return missing.has_value(); }));
  EXPECT_THAT(*missing, ElementsAre("a", "c"));
}

}  // namespace
}  // namespace gateway::server
