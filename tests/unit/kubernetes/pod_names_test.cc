#include "gateway/kubernetes/pod_names.h"

#include <gmock/gmock.h>

#include "fake_api.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class PodNamesTest : public testing::Test {
 protected:
  void ask(const std::string& selector = "app=jobs") {
    names_.ask("prod", selector, [this](const Result<PodNames::Names>& names) {
      std::string text = names ? "" : names.error().to_string();
      if (names)
        for (const std::string& each : *names) text += each + ' ';
      answers_.push_back(text);
    });
  }
  void answer(const std::string& name = "a") {
    api_.answer(200, R"({"kind":"PartialObjectMetadataList","items":[{"metadata":{"name":")" +
                         name + R"(","labels":{"app":"jobs"}}},{"metadata":{"name":"z"}}]})");
  }

  test::Time time_;
  test::FakeApi api_;
  std::vector<std::string> answers_;
  PodNames names_{time_.clock, api_};
};

TEST_F(PodNamesTest, AsksForTheNamesAlone) {
  ask("app in (jobs,x),!old");
  EXPECT_EQ(api_.waiting_path(),
            "/api/v1/namespaces/prod/pods?resourceVersion=0&labelSelector="
            "app%20in%20%28jobs%2Cx%29%2C%21old");
  EXPECT_THAT(std::string(api_.last().request.accept),
              StartsWith("application/json;as=PartialObjectMetadataList"));
  EXPECT_THAT(answers_, IsEmpty());
  answer();
  EXPECT_THAT(answers_, ElementsAre("a z "));
}

TEST_F(PodNamesTest, RemembersForFiveSecondsAndThenAsksAnew) {
  ask();
  answer();
  time_.clock.advance(4900ms);
  ask();
  EXPECT_THAT(answers_, ElementsAre("a z ", "a z "));
  time_.clock.advance(100ms);
  ask();
  EXPECT_EQ(answers_.size(), 2U);
  answer("b");
  EXPECT_EQ(answers_.back(), "b z ");
}

TEST_F(PodNamesTest, QuestionsThatAreAlikeShareOne) {
  ask();
  ask();
  EXPECT_EQ(api_.count(), 1U);
  answer();
  EXPECT_THAT(answers_, ElementsAre("a z ", "a z "));
  ask("app=other");
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(PodNamesTest, WithoutAnAnswerItIsAnErrorAndNotRemembered) {
  ask();
  api_.fail(ErrorCode::connect_failed);
  EXPECT_THAT(answers_.back(), HasSubstr("no_endpoint"));
  ask();
  api_.answer(403, R"({"kind":"Status","reason":"Forbidden","message":"no right"})");
  EXPECT_THAT(answers_.back(), HasSubstr("403 Forbidden: no right"));
  EXPECT_THAT(answers_.back(), HasSubstr("no_endpoint"))
      << "our want of a right is not the asker's";
  for (const char* body : {"[]", "{", "{}", R"({"items":[{"metadata":{"name":5}}]})"}) {
    ask();
    api_.answer(200, body);
    EXPECT_THAT(answers_.back(), HasSubstr("pods")) << body;
  }
  ask();
  answer();
  EXPECT_EQ(answers_.back(), "a z ");
}

TEST_F(PodNamesTest, ASelectorThatIsNoneIsTheAskersFault) {
  ask();
  api_.answer(400, R"({"kind":"Status","reason":"BadRequest","message":"unable to parse"})");
  EXPECT_THAT(answers_.back(), HasSubstr("bad_request"));
}

TEST_F(PodNamesTest, WhatIsKeptHasABound) {
  for (std::size_t i = 0; i < PodNames::kMostKept + 1; ++i) {
    ask("app=" + std::to_string(i));
    answer();
  }
  const std::size_t before = api_.count();
  ask("app=0");
  EXPECT_EQ(api_.count(), before + 1) << "made room for the others";
}

TEST_F(PodNamesTest, QuestionsAtOnceHaveABoundToo) {
  for (std::size_t i = 0; i < PodNames::kMostKept + 1; ++i) ask("app=" + std::to_string(i));
  EXPECT_EQ(api_.count(), PodNames::kMostKept);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_THAT(answers_[0], HasSubstr("no_endpoint"));
}

}  // namespace
}  // namespace gateway::kubernetes
