#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "apps/visitors/page.h"
#include "apps/visitors/visits.h"

namespace gateway::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

PageFacts counted() {
  PageFacts facts;
  facts.visits = Visits{3, 1234567};
  facts.client = "203.0.113.7";
  facts.version = "1.2.3+45";
  facts.database = "PostgreSQL 17.6";
  return facts;
}

TEST(VisitorsPage, ShowsCountsOwnerAndVersions) {
  PageFacts facts = counted();
  facts.owner_name = "Ann";
  facts.owner_url = "https://ann.example/?a=1&b=2";
  const std::string page = render_page(facts);
  EXPECT_THAT(page, HasSubstr("<dd id=\"own\">3</dd>"));
  EXPECT_THAT(page, HasSubstr("<dd id=\"visitors\">1,234,567</dd>"));
  EXPECT_THAT(page, HasSubstr("href=\"https://ann.example/?a=1&amp;b=2\">Ann</a>"));
  EXPECT_THAT(page, HasSubstr("visitors 1.2.3+45"));
  EXPECT_THAT(page, HasSubstr("PostgreSQL 17.6"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("http-equiv")));
}

TEST(VisitorsPage, NumbersAreGroupedByThousands) {
  const std::pair<std::uint64_t, const char*> kCases[] = {
      {0, ">0<"}, {999, ">999<"}, {1000, ">1,000<"}, {100000, ">100,000<"}};
  for (const auto& [number, shown] : kCases) {
    PageFacts facts = counted();
    facts.visits = Visits{1, number};
    EXPECT_THAT(render_page(facts), HasSubstr(shown));
  }
}

TEST(VisitorsPage, WhatSomebodyElseWroteIsTextAndNeverMarkup) {
  const std::string hostile = "<script>alert('x')</script>\"&{{content}}";
  PageFacts facts = counted();
  facts.owner_name = facts.client = facts.version = facts.database = hostile;
  facts.owner_url = "https://x.example/\"onclick=\"alert(1)";
  const std::string page = render_page(facts);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("\"onclick")));
  EXPECT_THAT(page,
              HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;{{content}}"));
}

TEST(VisitorsPage, WithoutADatabaseSaysSoAndLooksAgain) {
  PageFacts facts = counted();
  facts.visits.reset();
  const std::string page = render_page(facts);
  EXPECT_THAT(page, HasSubstr("Its database does not answer"));
  EXPECT_THAT(page, HasSubstr("http-equiv=\"refresh\""));
  EXPECT_THAT(page, Not(HasSubstr("id=\"own\"")));
}

TEST(VisitorsPage, OnlyWebAddressesAreLinks) {
  EXPECT_TRUE(is_web_address("https://ann.example/"));
  EXPECT_TRUE(is_web_address("http://ann.example"));
  for (const char* url : {"", "javascript:alert(1)", "data:text/html,x", "//ann.example",
                          "ann.example", " https://ann.example", "https://ann.example/ b"})
    EXPECT_FALSE(is_web_address(url)) << url;
}

TEST(VisitorsPage, PolicyAllowsItsOwnStyleAlone) {
  EXPECT_THAT(page_policy(), HasSubstr("default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(page_policy(), Not(HasSubstr("unsafe")));
}

TEST(Visits, AreCountedForEachVisitorAndVisitorsOnce) {
  const auto database = open_database(":memory:").value();
  ASSERT_TRUE(migrate(*database, visits_schema()).has_value());
  const auto seen = [](const Result<Visits>& visits) {
    return std::pair(visits.value().own, visits.value().visitors);
  };
  EXPECT_EQ(seen(read_visits(*database, "192.0.2.1")), std::pair(0UL, 0UL));
  EXPECT_EQ(seen(count_visit(*database, "192.0.2.1")), std::pair(1UL, 1UL));
  EXPECT_EQ(seen(count_visit(*database, "192.0.2.1")), std::pair(2UL, 1UL));
  EXPECT_EQ(seen(count_visit(*database, "192.0.2.2")), std::pair(1UL, 2UL));
  EXPECT_EQ(seen(read_visits(*database, "192.0.2.1")), std::pair(2UL, 2UL));
}

TEST(Visits, AnIpv6VisitorIsItsNetwork) {
  const auto name = [](const char* text) { return visitor_name(IpAddress::parse(text).value()); };
  EXPECT_EQ(name("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(name("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::/64");
  EXPECT_EQ(name("2001:db8:1:2:bbbb::9"), name("2001:db8:1:2:aaaa::1"));
  EXPECT_NE(name("2001:db8:1:3::1"), name("2001:db8:1:2::1"));
}

}  // namespace
}  // namespace gateway::apps
