#include "gateway/routing/rewrite.h"

#include <gmock/gmock.h>

#include "gateway/routing/redirect.h"
#include "gateway/routing/route_table.h"
#include "tests/unit/routing/request.h"
#include "tests/unit/routing/routes.h"

namespace gateway::routing {
namespace {

using test::exact;
using test::prefix;
using test::regex;
using test::Request;
using test::route;

std::shared_ptr<const RouteTable> compile(const config::Route& route) {
  auto table = RouteTable::compile({route}, std::vector<config::Listener>(1));
  EXPECT_TRUE(table) << table.error().detail;
  return *table;
}

/// Host and path that go upstream; "refused" when none may.
std::string rewritten(config::Match match, config::Rewrite change, std::string_view line) {
  auto model = route("r", {}, {std::move(match)});
  model.rewrite = std::move(change);
  const auto table = compile(model);
  Request request(line);
  const Match* found = table->find(0, request.head());
  if (found == nullptr) return "no match";
  if (!rewrite(*found, request.head(), request.arena())) return "refused";
  return std::string(request.head().host) + std::string(request.head().path);
}

std::string location(config::Match match, config::Redirect to, std::string_view line,
                     bool tls = false) {
  auto model = route("r", {}, {std::move(match)});
  model.redirect = std::move(to);
  const auto table = compile(model);
  Request request(line);
  const Match* found = table->find(0, request.head());
  if (found == nullptr) return "no match";
  const auto target = redirect_location(*found, request.head(), tls, request.arena());
  return target ? std::string(*target) : "refused";
}

TEST(Rewrite, ReplacesThePrefix) {
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/xyz"}, "GET h/foo/bar"), "h/xyz/bar");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/xyz/"}, "GET h/foo/bar"), "h/xyz/bar");
  EXPECT_EQ(rewritten(prefix("/foo/"), {.prefix = "/xyz"}, "GET h/foo/bar"), "h/xyz/bar");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/xyz"}, "GET h/foo"), "h/xyz");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/xyz"}, "GET h/foo/"), "h/xyz/");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = ""}, "GET h/foo/bar"), "h/bar");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/"}, "GET h/foo/bar"), "h/bar");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/"}, "GET h/foo/"), "h/");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = "/"}, "GET h/foo"), "h/");
  EXPECT_EQ(rewritten(prefix("/foo"), {.prefix = ""}, "GET h/foo"), "h/");
  EXPECT_EQ(rewritten(prefix("/"), {.prefix = "/v1"}, "GET h/foo"), "h/v1/foo");
  EXPECT_EQ(rewritten(exact("/foo"), {.prefix = "/xyz"}, "GET h/foo"), "h/xyz");
}

TEST(Rewrite, ReplacesPathAndHost) {
  EXPECT_EQ(rewritten(prefix("/"), {.path = "/one", .host = "b.example:81"}, "GET a/x/y"),
            "b.example:81/one");
  EXPECT_EQ(rewritten(prefix("/"), {}, "GET a/x/y"), "a/x/y");
}

TEST(Rewrite, SubstitutesGroups) {
  const auto users = regex("/v1/([a-z]+)/([0-9]+)(/raw)?");
  EXPECT_EQ(rewritten(users, {.regex_substitution = "/\\2/\\1\\3"}, "GET h/v1/jobs/7"), "h/7/jobs");
  EXPECT_EQ(rewritten(users, {.regex_substitution = "/\\2\\3"}, "GET h/v1/jobs/7/raw"), "h/7/raw");
  EXPECT_EQ(rewritten(users, {.regex_substitution = "/all\\0"}, "GET h/v1/a/7"), "h/all/v1/a/7");
}

TEST(Rewrite, ASubstitutionCannotLeaveItsFolder) {
  const auto files = regex("/a(.*)");
  EXPECT_EQ(rewritten(files, {.regex_substitution = "/files/\\1"}, "GET h/a../secret"), "refused");
  EXPECT_EQ(rewritten(files, {.regex_substitution = "/\\1"}, "GET h/a../secret"), "refused");
  EXPECT_EQ(rewritten(files, {.regex_substitution = "\\1"}, "GET h/a@evil"), "refused");
  EXPECT_EQ(rewritten(files, {.regex_substitution = "/files/\\1"}, "GET h/ab"), "h/files/b");
}

TEST(Redirect, ChangesSchemeAndKeepsTheRest) {
  EXPECT_EQ(location(prefix("/"), {.scheme = "https"}, "GET a.example/x?y=1&z"),
            "https://a.example/x?y=1&z");
  EXPECT_EQ(location(prefix("/"), {.scheme = "https"}, "GET a.example:5000/x?"),
            "https://a.example/x?");
  EXPECT_EQ(location(prefix("/"), {.scheme = "https", .port = 8443}, "GET a.example:5000/x"),
            "https://a.example:8443/x");
  EXPECT_EQ(location(prefix("/"), {.scheme = "https", .port = 443}, "GET [::1]:80/x"),
            "https://[::1]/x");
  EXPECT_EQ(location(prefix("/"), {.scheme = "http", .port = 443}, "GET a/x"), "http://a:443/x");
}

TEST(Redirect, ChangesHostAndPath) {
  EXPECT_EQ(location(prefix("/"), {.host = "b.example"}, "GET a.example:8443/x", true),
            "https://b.example/x");
  EXPECT_EQ(location(prefix("/"), {.path = "/new"}, "GET a.example:8443/x?q", true),
            "https://a.example:8443/new?q");
  EXPECT_EQ(location(prefix("/old"), {.prefix = "/new"}, "GET a:80/old/x"), "http://a/new/x");
}

TEST(Redirect, RefusesWhatCannotStandInAField) {
  EXPECT_EQ(location(prefix("/"), {.scheme = "https"}, "GET /x"), "refused") << "no host";
  EXPECT_EQ(location(prefix("/"), {.path = "/a\r\nSet-Cookie: x"}, "GET a/"), "refused");
  EXPECT_EQ(location(prefix("/"), {.scheme = "https"}, "GET a/x?a\nb"), "refused");
}

}  // namespace
}  // namespace gateway::routing
