#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/unit/config/problems.h"

/// How problems are shown, and what a text may cost.
namespace gateway::config {
namespace {

using testing::HasSubstr;

TEST(Problems, AllAtOnceInTheOrderOfTheFile) {
  const Problems problems = problems_of(
      "version: 1\n"
      "process: {workers: x}\n"
      "listeners: [{name: l, address: nowhere}]\n"
      "routes:\n"
      "  - {name: r, forward: a}\n"
      "  - {nam: s}\n");
  std::vector<std::uint32_t> lines;
  for (const Problem& problem : problems) lines.push_back(problem.place.position.line);
  EXPECT_EQ(lines, (std::vector<std::uint32_t>{2, 3, 5, 6, 6})) << all(problems);
}

TEST(Problems, AreShownWithTheirLine) {
  const Problems problems = problems_of(
      "version: 1\n"
      "listeners: [{name: l, adress: \":80\"}, {name: m}]\n"
      "routes: []\n");
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(format(problems[1]),
            "t.yaml:2:39: listeners[1]: addresses is missing\n"
            "      2 | listeners: [{name: l, adress: \":80\"}, {name: m}]\n"
            "        |                                       ^\n"
            "  expected: addresses: a list of at least 1\n");
  EXPECT_EQ(format(problems[0]),
            "t.yaml:2:23: listeners[0].adress: unknown key\n"
            "      2 | listeners: [{name: l, adress\n"
            "        |                       ^^^^^^\n"
            "  expected: name, addresses, tls, http, proxy_protocol_from, trusted_proxies, "
            "max_connections or backlog\n"
            "  found:    adress\n"
            "  did you mean \"address\"?\n");
}

TEST(Problems, CaretStandsUnderTheWordBehindWideLetters) {
  const Problems problems = problems_of(
      "version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n"
      "access_log: {path: \"\xc3\xa9\", format: no}\n");
  ASSERT_EQ(problems.size(), 1U);
  const std::string text = format(problems[0]);
  EXPECT_THAT(text, HasSubstr("|                                 ^^\n"));
}

TEST(Problems, NeverShowASecret) {
  const std::string text =
      all(problems_of("version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n"
                      "admin: {token: hunter2}\n"));
  EXPECT_THAT(text, HasSubstr("t.yaml:4:16"));
  EXPECT_THAT(text, testing::Not(HasSubstr("hunter2")));
}

TEST(Problems, NeverShowWhatStandsWhereASecretMay) {
  for (const char* edits :
       {"set: hunter2", "set: {X-Key: \"hunter2\\u0001\"}", "set: {X-Key: \"hunter2${ABSENT}\"}",
        "set: {X-Key: [hunter2]}", "set: {X-Key: hunter2, X-Key: hunter2}",
        "sett: {X-Key: hunter2}", "request: {set: {X-Key: hunter2}, set: {X-Key: hunter2}}"}) {
    const std::string text = all(problems_of(
        fmt::format("version: 1\nlisteners: [{{name: l, address: \":0\"}}]\nroutes: []\n"
                    "filters:\n  - type: header_edits\n    {}\n",
                    edits)));
    EXPECT_THAT(text, HasSubstr("t.yaml:6:")) << edits;
    EXPECT_THAT(text, testing::Not(HasSubstr("hunter2"))) << edits;
  }
}

TEST(Problems, AMistypedNameDoesNotHideTheOthers) {
  const Problems problems = problems_of(
      "version: 1\n"
      "listeners: [{name: l, address: \":0\"}]\n"
      "upstreams: [{name: a, endpoints: [\"b\"], tls: {verify: maybe}}]\n"
      "routes: [{name: r, forward: a, timeout: soon}]\n");
  EXPECT_EQ(problems.size(), 3U) << all(problems);
}

std::string laughs(int levels) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i <= levels; ++i) {
    text += fmt::format("a{}: &a{} [", i, i);
    for (int j = 0; j < 10; ++j) text += fmt::format("*a{}{}", i - 1, j < 9 ? ", " : "]\n");
  }
  return text;
}

TEST(Bounds, ABillionLaughsAreRefused) {
  const Problems problems = problems_of(laughs(9));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("aliases repeat more than"));
}

TEST(Bounds, DepthIsRefused) {
  for (const std::string& text : {std::string(100'000, '['), "a: " + std::string(5000, '{')}) {
    const Problems problems = problems_of(text);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_THAT(problems[0].message, HasSubstr("nested deeper than"));
  }
}

TEST(Bounds, ALongTextIsNotRepeatedForEver) {
  std::string text = "a: &a " + std::string(1U << 20, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) text += "*a, ";
  const Problems problems = problems_of(text + "*a]\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("aliases repeat more than"));
}

// What a problem quotes is bounded, and so is their number: else a few megabytes become terabytes.
TEST(Bounds, ReadingEndsAfterManyProblems) {
  const std::string key(1U << 20, 'k');
  std::string text = "{version: 1, listeners: [], routes: [{match: {headers: {? " + key + " : {";
  for (int i = 0; i < 100'000; ++i) text += fmt::format("x{}: 1, ", i);
  const Problems problems = problems_of(text + "}}}}]}\n");
  ASSERT_EQ(problems.size(), kMaxProblems + 1);
  EXPECT_EQ(problems.back().message, "not read further after 1000 problems");
  for (const Problem& problem : problems)
    EXPECT_LE(problem.source_line.size() + problem.path.size(), 400U);
}

TEST(Bounds, ManyReferencesToNothingAreQuicklyTold) {
  std::string text = "version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes:\n";
  for (int i = 0; i < 3000; ++i)
    text += fmt::format("  - {{name: r{}, host: h{}, forward: n{}}}\n", i, i, i);
  const Problems problems = problems_of(text);
  ASSERT_EQ(problems.size(), kMaxProblems + 1);
  EXPECT_EQ(problems[0].message, "there is no such upstream");
}

TEST(Bounds, LargeTextsAreRefused) {
  const Problems problems = problems_of(std::string(17U << 20, ' '));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("larger than 16 MiB"));
}

}  // namespace
}  // namespace gateway::config
