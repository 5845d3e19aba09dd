#include "gateway/http/fields.h"

#include <gtest/gtest.h>

#include <vector>

#include "gateway/http/date.h"

namespace gateway::http {
namespace {

std::string names(const HeaderList& fields) {
  std::string text;
  for (const Header& field : fields) text.append(field.name).append(" ");
  return text;
}

TEST(HeaderIdTest, FindsEveryKnownNameWithoutCase) {
  for (unsigned i = 1; i <= static_cast<unsigned>(HeaderId::x_request_id); ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(name_of(id));
    EXPECT_EQ(header_id(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(header_id(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(header_id(name), id) << name;
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = static_cast<char>(other[at] ^ 0x10);
      EXPECT_EQ(header_id(other), HeaderId::other) << other;
      other[at] = name[at] == '-' ? '\r' : '_';
      EXPECT_EQ(header_id(other), HeaderId::other) << other;
    }
  }
}

TEST(HeaderIdTest, OtherNames) {
  for (const std::string name : {"", "x", "X-Other", "hosts", "hos", "a-name-that-is-rather-long"})
    EXPECT_EQ(header_id(name), HeaderId::other) << name;
}

TEST(HeaderListTest, KeepsOrderAndFindsByIdAndName) {
  Arena arena;
  HeaderList list;
  for (const char* name : {"Host", "X-A", "Cookie", "x-a", "Cookie"}) list.add(arena, name, "1");
  EXPECT_EQ(list.count(HeaderId::cookie), 2U);
  EXPECT_EQ(list.find("X-a"), &list[1]);
  EXPECT_EQ(list.find("x-b"), nullptr);
  EXPECT_EQ(list.find("COOKIE"), &list[2]);
  EXPECT_EQ(list.remove("x-A"), 2U);
  EXPECT_EQ(names(list), "Host Cookie Cookie ");
  list.set(arena, HeaderId::cookie, "2");
  EXPECT_EQ(names(list), "Host Cookie ");
  EXPECT_EQ(list.value(HeaderId::cookie), "2");
  EXPECT_EQ(list.remove(HeaderId::host), 1U);
  EXPECT_FALSE(list.has(HeaderId::host));
}

TEST(HeaderListTest, GrowsWithoutLosingFields) {
  Arena arena;
  HeaderList list;
  for (int i = 0; i < 100; ++i) list.add(arena, i % 2 == 0 ? "Cookie" : "X-A", "1");
  EXPECT_EQ(list.size(), 100U);
  EXPECT_EQ(list.count(HeaderId::cookie), 50U);
}

TEST(FieldsTest, StripsHopByHopFieldsAndThoseNamedByConnection) {
  Arena arena;
  HeaderList list;
  list.add(arena, "Connection", "keep-alive, X-Hop");
  list.add(arena, "Keep-Alive", "5");
  list.add(arena, "X-Hop", "1");
  list.add(arena, "X-Stay", "1");
  list.add(arena, "Connection", "x-hop-2");
  list.add(arena, "X-Hop-2", "1");
  list.add(arena, "Upgrade", "h2c");
  strip_hop_by_hop(list);
  EXPECT_EQ(names(list), "X-Stay ");
}

// CVE-2024-45410.
TEST(FieldsTest, ConnectionCannotTakeProtectedFieldsAway) {
  Arena arena;
  HeaderList list;
  list.add(arena, "Connection",
           "Host, Authorization, X-Forwarded-For, X-Real-IP, Cookie, Forwarded");
  for (const char* name :
       {"Host", "Authorization", "X-Forwarded-For", "X-Real-IP", "Cookie", "Forwarded"})
    list.add(arena, name, "1");
  strip_hop_by_hop(list);
  EXPECT_EQ(names(list), "Host Authorization X-Forwarded-For X-Real-IP Cookie Forwarded ");
}

TEST(FieldsTest, TrailersThatFrameRouteOrAuthenticateAreForbidden) {
  for (const char* name : {"Content-Length", "transfer-encoding", "Host", "Authorization",
                           "Trailer", "Set-Cookie", "Content-Encoding", "X-Forwarded-For"})
    EXPECT_TRUE(is_forbidden_trailer({header_id(name), name, ""})) << name;
  for (const char* name : {"X-Sum", "grpc-status", "ETag"})
    EXPECT_FALSE(is_forbidden_trailer({header_id(name), name, ""})) << name;
}

TEST(FieldsTest, TokensAndValues) {
  EXPECT_TRUE(is_token("X-A!#$%&'*+.^_`|~9"));
  for (const char* text : {"", "a b", "a:", "a\t", "\xC3\xA9", "a(b", "a,b"})
    EXPECT_FALSE(is_token(text)) << text;
  EXPECT_TRUE(is_field_value("a\tb \xE9 a rather long value with \t two tabs \t in it"));
  for (const std::string text : {"a\r", "\n", "sixteen bytes or more \x01", "\x7f"})
    EXPECT_FALSE(is_field_value(text));
}

TEST(FieldsTest, ListItemsAreTrimmedAndEmptyOnesSkipped) {
  std::vector<std::string> items;
  for_each_list_item(" a,, b c\t,d , ", [&](std::string_view item) { items.emplace_back(item); });
  EXPECT_EQ(items, (std::vector<std::string>{"a", "b c", "d"}));
}

TEST(DateTextTest, WritesImfFixdate) {
  DateText date;
  EXPECT_EQ(date.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date.at(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(date.at(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date.at(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace gateway::http
