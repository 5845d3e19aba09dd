#include "gateway/routing/route_table.h"

#include <gmock/gmock.h>

#include "tests/unit/routing/request.h"
#include "tests/unit/routing/routes.h"

namespace gateway::routing::route_table_test {
namespace {

using test::by_header;
using test::by_method;
using test::by_query;
using test::exact;
using test::prefix;
using test::regex;
using test::Request;
using test::route;

using Table = std::shared_ptr<const RouteTable>;

config::Listener listener(std::string name) {
  config::Listener result;
  result.name = std::move(name);
  return result;
}

Table compile(const std::vector<config::Route>& routes, const Table& previous = nullptr) {
  auto table = RouteTable::compile(routes, {listener("https"), listener("http")}, previous.get());
  EXPECT_TRUE(table) << table.error().detail;
  return table ? *table : nullptr;
}

std::string error_of(const config::Route& route) {
  auto table = RouteTable::compile({route}, {listener("https")});
  return table ? "" : table.error().detail;
}

/// Name of the route that answers; "-" for none.
std::string goes_to(const Table& table, std::string_view line,
                    std::initializer_list<std::string_view> fields = {}, std::size_t listener = 0) {
  Request request(line, fields);
  const Match* match = table->find(listener, request.head());
  return match == nullptr ? "-" : match->route->name();
}

TEST(RouteTable, ChoosesByHostThenPath) {
  const Table table = compile({
      route("any", {}, {prefix("/")}),
      route("a", {"A.example"}, {prefix("/")}),
      route("a-jobs", {"a.example"}, {prefix("/jobs")}),
      route("a-jobs-exact", {"a.example"}, {exact("/jobs/7")}),
      route("wild", {"*.example"}, {prefix("/wild")}),
      route("deep", {"*.deep.example"}, {prefix("/")}),
      route("v6", {"[::1]"}, {prefix("/")}),
  });
  EXPECT_EQ(goes_to(table, "GET a.example/"), "a");
  EXPECT_EQ(goes_to(table, "GET A.EXAMPLE:8443/x"), "a");
  EXPECT_EQ(goes_to(table, "GET a.example./x"), "a");
  EXPECT_EQ(goes_to(table, "GET a.example/jobs"), "a-jobs");
  EXPECT_EQ(goes_to(table, "GET a.example/jobs/"), "a-jobs");
  EXPECT_EQ(goes_to(table, "GET a.example/jobs/7"), "a-jobs-exact");
  EXPECT_EQ(goes_to(table, "GET a.example/jobs/7/"), "a-jobs");
  EXPECT_EQ(goes_to(table, "GET a.example/jobsx"), "a");
  EXPECT_EQ(goes_to(table, "GET b.example/wild/1"), "wild");
  EXPECT_EQ(goes_to(table, "GET b.deep.example/"), "deep");
  EXPECT_EQ(goes_to(table, "GET deep.example/wild"), "wild");
  EXPECT_EQ(goes_to(table, "GET [::1]:8443/"), "v6");
  EXPECT_EQ(goes_to(table, "GET other.test/"), "any");
  EXPECT_EQ(goes_to(table, "GET /"), "any");
}

TEST(RouteTable, NeverFallsBackToALessSpecificHost) {
  const Table table = compile({
      route("any", {}, {prefix("/")}),
      route("wild", {"*.example"}, {prefix("/wild")}),
      route("a", {"a.example"}, {exact("/only")}),
  });
  EXPECT_EQ(goes_to(table, "GET a.example/only"), "a");
  EXPECT_EQ(goes_to(table, "GET a.example/wild"), "-");
  EXPECT_EQ(goes_to(table, "GET b.example/"), "-");
  EXPECT_EQ(goes_to(table, "GET example/"), "any");
  EXPECT_EQ(goes_to(table, "GET .example/wild"), "any");
  EXPECT_EQ(goes_to(table, "GET b.a.example/wild"), "any") << "a wildcard is one label";
}

TEST(RouteTable, PrefixesEndOnSegmentBorders) {
  const Table table = compile({
      route("foo", {}, {prefix("/foo/")}),
      route("foo-bar", {}, {prefix("/foo/bar")}),
      route("food", {}, {prefix("/food")}),
  });
  EXPECT_EQ(goes_to(table, "GET h/foo"), "foo");
  EXPECT_EQ(goes_to(table, "GET h/foo/"), "foo");
  EXPECT_EQ(goes_to(table, "GET h/foo/ba"), "foo");
  EXPECT_EQ(goes_to(table, "GET h/foo/bar/x"), "foo-bar");
  EXPECT_EQ(goes_to(table, "GET h/foo/bars"), "foo");
  EXPECT_EQ(goes_to(table, "GET h/food"), "food");
  EXPECT_EQ(goes_to(table, "GET h/foods"), "-");
  EXPECT_EQ(goes_to(table, "GET h/fo"), "-");
  EXPECT_EQ(goes_to(table, "GET h/"), "-");
}

TEST(RouteTable, RegexStandsBetweenExactAndPrefix) {
  const Table table = compile({
      route("root", {}, {prefix("/")}),
      route("users", {}, {prefix("/users/me")}),
      route("by-id", {}, {regex("/users/[0-9]+")}),
      route("by-word", {}, {regex("/users/[a-z]+")}),
      route("vague", {}, {regex("/.*/me")}),
      route("either", {}, {regex("/left|/right")}),
      route("exact", {}, {exact("/users/7")}),
  });
  EXPECT_EQ(goes_to(table, "GET h/users/42"), "by-id");
  EXPECT_EQ(goes_to(table, "GET h/users/7"), "exact");
  EXPECT_EQ(goes_to(table, "GET h/users/me"), "by-word") << "longer literal beginning";
  EXPECT_EQ(goes_to(table, "GET h/staff/me"), "vague");
  EXPECT_EQ(goes_to(table, "GET h/users/me/x"), "users");
  EXPECT_EQ(goes_to(table, "GET h/users/42/x"), "root") << "a regex is for the whole path";
  EXPECT_EQ(goes_to(table, "GET h/left"), "either");
  EXPECT_EQ(goes_to(table, "GET h/right"), "either");
}

TEST(RouteTable, MethodThenHeadersThenQueryThenOrder) {
  const Table table = compile({
      route("plain", {}, {prefix("/")}),
      route("plain-too", {}, {prefix("/")}),
      route("query", {}, {by_query(prefix("/"), "v", "2")}),
      route("header", {}, {by_header(prefix("/"), "X-Tenant", "blue")}),
      route("both", {}, {by_query(by_header(prefix("/"), "x-tenant", "blue"), "v", "2")}),
      route("two", {}, {by_header(by_header(prefix("/"), "x-tenant", "blue"), "x-beta", "1")}),
      route("post", {}, {by_method(prefix("/"), {"POST", "PUT"})}),
  });
  EXPECT_EQ(goes_to(table, "GET h/"), "plain");
  EXPECT_EQ(goes_to(table, "GET h/?v=2"), "query");
  EXPECT_EQ(goes_to(table, "GET h/?v=3"), "plain");
  EXPECT_EQ(goes_to(table, "GET h/", {"x-TENANT: blue"}), "header");
  EXPECT_EQ(goes_to(table, "GET h/", {"x-tenant: Blue"}), "plain");
  EXPECT_EQ(goes_to(table, "GET h/?v=2", {"x-tenant: blue"}), "both");
  EXPECT_EQ(goes_to(table, "GET h/?v=2", {"x-tenant: blue", "x-beta: 1"}), "two");
  EXPECT_EQ(goes_to(table, "POST h/?v=2", {"x-tenant: blue", "x-beta: 1"}), "post");
  EXPECT_EQ(goes_to(table, "PUT h/"), "post");
}

TEST(RouteTable, GoesOnToAShorterPathWhenTheRestDoesNotFit) {
  const Table table = compile({
      route("root", {}, {prefix("/")}),
      route("jobs-post", {}, {by_method(exact("/jobs"), {"POST"})}),
      route("jobs-beta", {}, {by_header(prefix("/jobs"), "x-beta", "1")}),
  });
  EXPECT_EQ(goes_to(table, "POST h/jobs"), "jobs-post");
  EXPECT_EQ(goes_to(table, "GET h/jobs"), "root");
  EXPECT_EQ(goes_to(table, "GET h/jobs", {"x-beta: 1"}), "jobs-beta");
}

TEST(RouteTable, ReadsHeadersAndParameters) {
  config::Match by_pattern = prefix("/pattern");
  by_pattern.headers.push_back({.name = "user-agent", .value = "curl/.*", .regex = true});
  config::Match by_presence = prefix("/presence");
  by_presence.query.push_back({.name = "debug", .present = true});
  const Table table = compile({
      route("pattern", {}, {by_pattern}),
      route("presence", {}, {by_presence}),
      route("query", {}, {by_query(prefix("/query"), "full name", "a&b=c")}),
      route("header", {}, {by_header(prefix("/header"), "accept", "text/html")}),
  });
  EXPECT_EQ(goes_to(table, "GET h/pattern", {"User-Agent: curl/8.1"}), "pattern");
  EXPECT_EQ(goes_to(table, "GET h/pattern", {"User-Agent: not curl/8.1"}), "-");
  EXPECT_EQ(goes_to(table, "GET h/presence?debug"), "presence");
  EXPECT_EQ(goes_to(table, "GET h/presence?debugger=1"), "-");
  EXPECT_EQ(goes_to(table, "GET h/query?x&full+name=a%26b%3dc"), "query");
  EXPECT_EQ(goes_to(table, "GET h/query?full%20name=a%26b%3Dc&z"), "query");
  EXPECT_EQ(goes_to(table, "GET h/query?full+name=no&full+name=a%26b%3dc"), "-")
      << "the first of a name counts";
  EXPECT_EQ(goes_to(table, "GET h/header", {"Accept: text/plain", "Accept: text/html"}), "header");
}

TEST(RouteTable, TellsManyTenantsOfOnePathApart) {
  std::vector<config::Route> routes = {route("rest", {}, {prefix("/")})};
  for (int i = 0; i < 300; ++i) {
    const std::string id = std::to_string(i);
    routes.push_back(route("header-" + id, {}, {by_header(prefix("/"), "X-Tenant", id)}));
    routes.push_back(route("query-" + id, {}, {by_query(prefix("/"), "tenant", id)}));
  }
  routes.push_back(
      route("special", {}, {by_query(by_header(prefix("/"), "X-Tenant", "7"), "s", "1")}));
  const Table table = compile(routes);
  EXPECT_EQ(goes_to(table, "GET h/"), "rest");
  EXPECT_EQ(goes_to(table, "GET h/", {"accept: 17", "x-tenant: 17"}), "header-17");
  EXPECT_EQ(goes_to(table, "GET h/", {"x-tenant: 300"}), "rest");
  EXPECT_EQ(goes_to(table, "GET h/?a=1&tenant=%32%39%39"), "query-299");
  EXPECT_EQ(goes_to(table, "GET h/?tenant=no&tenant=4"), "rest");
  EXPECT_EQ(goes_to(table, "GET h/?tenant=4", {"x-tenant: 5"}), "header-5");
  EXPECT_EQ(goes_to(table, "GET h/?s=1", {"x-tenant: 7"}), "special");
}

TEST(RouteTable, ServesEachListenerItsOwn) {
  auto redirect = route("to-https", {}, {prefix("/")});
  redirect.listeners = {"http"};
  auto app = route("app", {"a.example"}, {prefix("/")});
  app.listeners = {"https"};
  const Table table = compile({redirect, app, route("both", {}, {exact("/healthz")})});
  EXPECT_EQ(goes_to(table, "GET a.example/", {}, 0), "app");
  EXPECT_EQ(goes_to(table, "GET a.example/", {}, 1), "to-https");
  EXPECT_EQ(goes_to(table, "GET b.example/healthz", {}, 0), "both");
  EXPECT_EQ(goes_to(table, "GET b.example/healthz", {}, 1), "both");
  EXPECT_EQ(goes_to(table, "GET b.example/", {}, 0), "-");
}

TEST(RouteTable, AnyOfSeveralMatchesWins) {
  const Table table = compile({
      route("two", {"a.example", "*.b.example"}, {exact("/x"), by_method(prefix("/y"), {"GET"})}),
  });
  EXPECT_EQ(goes_to(table, "GET a.example/x"), "two");
  EXPECT_EQ(goes_to(table, "GET q.b.example/y/z"), "two");
  EXPECT_EQ(goes_to(table, "POST a.example/y/z"), "-");
}

TEST(RouteTable, ARouteWithoutMatchTakesAllAndAnEmptyTableNone) {
  EXPECT_EQ(goes_to(compile({route("all", {}, {})}), "DELETE h/any/thing"), "all");
  EXPECT_EQ(goes_to(compile({}), "GET h/"), "-");
}

TEST(RouteTable, KeepsWhatIsEqualOverReloads) {
  const auto a = route("a", {"a.example"}, {regex("/a/.*")});
  const auto b = route("b", {"b.example"}, {prefix("/b")});
  const auto c = route("c", {"c.example"}, {prefix("/c")});
  auto changed = b;
  changed.matches = {prefix("/changed")};
  const Table first = compile({a, b});
  const Table second = compile({c, a, changed}, first);

  EXPECT_EQ(second->in_order()[1], first->in_order()[0]) << "moved, but equal";
  EXPECT_EQ(second->hosts(0).find("a.example"), first->hosts(0).find("a.example"));
  EXPECT_NE(second->hosts(0).find("b.example"), first->hosts(0).find("b.example"));
  EXPECT_EQ(goes_to(second, "GET b.example/b"), "-");
  EXPECT_EQ(goes_to(second, "GET b.example/changed"), "b");
  EXPECT_EQ(goes_to(first, "GET b.example/b"), "b") << "the old table still serves";
  for (const auto& route : second->routes()) {
    EXPECT_EQ(second->routes()[route->index], route);
  }
}

TEST(RouteTable, ARemovedRouteLeavesItsPlaceToANewOne) {
  const auto a = route("a", {}, {prefix("/a")});
  const auto b = route("b", {}, {prefix("/b")});
  const Table first = compile({a, b});
  const Table second = compile({b}, first);
  EXPECT_EQ(second->in_order()[0]->index, 1U);
  EXPECT_EQ(second->routes()[0], nullptr);
  const Table third = compile({b, route("c", {}, {prefix("/c")})}, second);
  EXPECT_EQ(third->in_order()[1]->index, 0U);
  EXPECT_EQ(goes_to(third, "GET h/a"), "-");
}

TEST(RouteTable, ChangedOrderChangesWhoWins) {
  const auto a = route("a", {}, {prefix("/")});
  const auto b = route("b", {}, {prefix("/")});
  const Table first = compile({a, b});
  const Table second = compile({b, a}, first);
  EXPECT_EQ(goes_to(first, "GET h/"), "a");
  EXPECT_EQ(goes_to(second, "GET h/"), "b");
}

TEST(RouteTable, SaysWhatIsImpossible) {
  EXPECT_THAT(error_of(route("r", {}, {regex("/(")})), testing::HasSubstr("route 'r': regex '/('"));
  EXPECT_THAT(error_of(route("r", {}, {prefix("jobs")})), testing::HasSubstr("'jobs'"));
  EXPECT_THAT(error_of(route("r", {}, {exact("/a%2Fb")})), testing::HasSubstr("'/a%2Fb'"));
  EXPECT_THAT(error_of(route("r", {}, {by_method(prefix("/"), {"BREW"})})),
              testing::HasSubstr("'BREW'"));
  auto rewriting = route("r", {}, {regex("/(.*)")});
  rewriting.rewrite = config::Rewrite{.regex_substitution = "/\\2"};
  EXPECT_THAT(error_of(rewriting), testing::HasSubstr("group"));
  rewriting.rewrite = config::Rewrite{.prefix = "/x"};
  EXPECT_THAT(error_of(rewriting), testing::HasSubstr("no regex"));
  rewriting.matches = {prefix("/")};
  rewriting.rewrite = config::Rewrite{.regex_substitution = "/x"};
  EXPECT_THAT(error_of(rewriting), testing::HasSubstr("needs a regex"));
}

}  // namespace
}  // namespace gateway::routing::route_table_test
