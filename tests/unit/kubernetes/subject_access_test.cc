#include "gateway/kubernetes/subject_access.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SubjectAccessTest : public testing::Test {
 protected:
  static AccessQuestion question(const std::string& user) {
    return {.user = user,
            .groups = {"system:authenticated"},
            .extra = {{"scopes", {"a", "b"}}},
            .verb = "get",
            .api_group = "custom.metrics.k8s.io",
            .resource = "services",
            .subresource = "requests_per_second",
            .name = "app",
            .namespace_name = "prod"};
  }
  SubjectAccess::Answered note() {
    return [this](const Result<bool>& allowed) {
      answers_.push_back(!allowed ? allowed.error().to_string() : *allowed ? "yes" : "no");
    };
  }
  void answer(bool allowed) {
    api_.answer(201,
                allowed ? R"({"status":{"allowed":true}})" : R"({"status":{"allowed":false}})");
  }

  test::Time time_;
  test::FakeApi api_;
  std::vector<std::string> answers_;
  SubjectAccess access_{time_.clock, api_};
};

TEST_F(SubjectAccessTest, AsksTheServer) {
  const auto wait = access_.ask(question("hpa"), note());
  EXPECT_EQ(api_.waiting_path(), "/apis/authorization.k8s.io/v1/subjectaccessreviews");
  EXPECT_EQ(api_.last().request.method, http::Method::post);
  const auto spec = nlohmann::json::parse(api_.last().request.body)["spec"];
  EXPECT_EQ(spec["user"], "hpa");
  EXPECT_EQ(spec["groups"][0], "system:authenticated");
  EXPECT_EQ(spec["extra"]["scopes"][1], "b");
  EXPECT_EQ(spec["resourceAttributes"]["subresource"], "requests_per_second");
  EXPECT_EQ(spec["resourceAttributes"]["namespace"], "prod");
  EXPECT_THAT(answers_, IsEmpty());
  answer(true);
  EXPECT_THAT(answers_, ElementsAre("yes"));
}

TEST_F(SubjectAccessTest, RemembersBothVerdictsForTenSeconds) {
  const auto a = access_.ask(question("a"), note());
  answer(true);
  const auto b = access_.ask(question("b"), note());
  answer(false);
  time_.clock.advance(9900ms);
  EXPECT_EQ(access_.ask(question("a"), note()), nullptr);
  EXPECT_EQ(access_.ask(question("b"), note()), nullptr);
  EXPECT_THAT(answers_, ElementsAre("yes", "no", "yes", "no"));
  time_.clock.advance(100ms);
  const auto again = access_.ask(question("a"), note());
  ASSERT_NE(again, nullptr);
  answer(false);
  EXPECT_EQ(answers_.back(), "no");
}

TEST_F(SubjectAccessTest, QuestionsThatAreAlikeShareOneReview) {
  const auto first = access_.ask(question("a"), note());
  auto gone = access_.ask(question("a"), note());
  const auto third = access_.ask(question("a"), note());
  EXPECT_EQ(api_.count(), 1U);
  gone.reset();
  answer(true);
  EXPECT_THAT(answers_, ElementsAre("yes", "yes"));
}

TEST_F(SubjectAccessTest, WithoutAVerdictItIsAnErrorAndNotRemembered) {
  auto wait = access_.ask(question("a"), note());
  api_.fail(ErrorCode::connect_failed);
  EXPECT_THAT(answers_.back(), HasSubstr("connect_failed"));
  wait = access_.ask(question("a"), note());
  api_.answer(403, R"({"kind":"Status","reason":"Forbidden","message":"no right"})");
  EXPECT_THAT(answers_.back(), HasSubstr("403 Forbidden: no right"));
  wait = access_.ask(question("a"), note());
  api_.answer(201, R"({"status":{}})");
  EXPECT_THAT(answers_.back(), HasSubstr("no verdict"));
  wait = access_.ask(question("a"), note());
  api_.answer(201, "[]");
  EXPECT_THAT(answers_.back(), HasSubstr("no verdict"));
}

TEST_F(SubjectAccessTest, WhatIsKeptHasABound) {
  for (std::size_t i = 0; i < SubjectAccess::kMostKept + 1; ++i) {
    const auto wait = access_.ask(question("user" + std::to_string(i)), note());
    answer(true);
  }
  EXPECT_NE(access_.ask(question("user0"), note()), nullptr) << "made room for the others";
}

}  // namespace
}  // namespace gateway::kubernetes
