#include <gtest/gtest.h>
#include <re2/re2.h>

#include "gateway/base/random.h"
#include "gateway/http/fields.h"
#include "gateway/routing/explanation.h"
#include "gateway/routing/route_table.h"
#include "tests/unit/routing/request.h"
#include "tests/unit/routing/routes.h"

namespace gateway::routing {
namespace {

using test::Request;

std::string_view name_of_host(std::string_view host) { return host.substr(0, host.find(':')); }

/// How well a route's host fits: 2 exact, 1 wildcard, 0 every host, -1 not.
int host_rank(const config::Route& route, std::string_view host) {
  int best = route.hosts.empty() ? 0 : -1;
  for (const std::string& pattern : route.hosts) {
    if (http::equals_ignoring_case(pattern, host)) best = 2;
    const auto dot = host.find('.');
    if (pattern[0] == '*' && dot != std::string_view::npos && dot > 0 &&
        http::equals_ignoring_case(host.substr(dot), std::string_view(pattern).substr(1))) {
      best = std::max(best, 1);
    }
  }
  return best;
}

bool path_matches(const config::Match& match, std::string_view path) {
  if (match.path_kind == config::PathMatch::exact) return path == match.path;
  if (match.path_kind == config::PathMatch::regex) {
    return re2::RE2::FullMatch({path.data(), path.size()}, match.path);
  }
  if (match.path == "/") return true;
  return path == match.path || path.starts_with(match.path + "/");
}

bool matches(const config::Match& match, const http::RequestHead& head) {
  if (!path_matches(match, head.path)) return false;
  const auto& methods = match.methods;
  if (!methods.empty() &&
      std::find(methods.begin(), methods.end(), http::to_string(head.method)) == methods.end()) {
    return false;
  }
  for (const auto& wanted : match.headers) {
    const http::Header* field = head.headers.find(std::string_view(wanted.name));
    if (field == nullptr || field->value != wanted.value) return false;
  }
  for (const auto& wanted : match.query) {
    const std::string query = "&" + std::string(head.query) + "&";
    const auto at = query.find("&" + wanted.name + "=");
    if (at == std::string::npos) return false;
    if (!query.substr(at).starts_with("&" + wanted.name + "=" + wanted.value + "&")) return false;
  }
  return true;
}

/// Sorts like the Gateway API: smaller goes first.
auto key(const config::Match& match) {
  const int kind = match.path_kind == config::PathMatch::exact   ? 0
                   : match.path_kind == config::PathMatch::regex ? 1
                                                                 : 2;
  const std::size_t length = match.path_kind == config::PathMatch::regex
                                 ? literal_prefix(match.path).size()
                                 : match.path.size();
  return std::tuple(kind, -static_cast<int>(length), match.methods.empty(),
                    -static_cast<int>(match.headers.size()), -static_cast<int>(match.query.size()));
}

std::string reference(const std::vector<config::Route>& routes, const http::RequestHead& head) {
  const std::string_view host = name_of_host(head.host);
  int rank = -1;
  for (const auto& route : routes) rank = std::max(rank, host_rank(route, host));
  const config::Route* winner = nullptr;
  const config::Match* best = nullptr;
  for (const auto& route : routes) {
    if (rank < 0 || host_rank(route, host) != rank) continue;
    for (const auto& match : route.matches) {
      if (!matches(match, head) || (best != nullptr && !(key(match) < key(*best)))) continue;
      winner = &route;
      best = &match;
    }
  }
  return winner == nullptr ? "-" : winner->name;
}

/// Small alphabets, so that random requests meet random routes.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& values) {
    return values[random_.below(static_cast<std::uint32_t>(values.size()))];
  }
  std::uint32_t below(std::uint32_t n) { return random_.below(n); }

  std::string path() {
    std::string path;
    for (std::uint32_t i = below(4); i > 0; --i) path += "/" + of(words_);
    return path.empty() ? "/" : path;
  }
  std::string pattern() {
    const std::vector<std::string> ends = {"/[a-z]+", "[ab]*",  "/?", "(/x|/y)",
                                           "/.*",     "b{1,2}", "|/a"};
    const std::string start = path();
    return (start == "/" ? "" : start) + of(ends);
  }
  config::Match match() {
    config::Match match = one_in(3) ? test::exact(path()) : test::prefix(path());
    if (one_in(5)) match = test::regex(pattern());
    if (one_in(3)) match.methods = {of(methods), of(methods)};
    for (std::uint32_t i = one_in(2) ? below(3) : 0; i > 0; --i) {
      match.headers.push_back({of(headers), of(values)});
    }
    for (std::uint32_t i = one_in(3) ? below(3) : 0; i > 0; --i) {
      match.query.push_back({of(parameters), of(values)});
    }
    return match;
  }
  std::vector<config::Route> routes() {
    std::vector<config::Route> routes;
    const std::uint32_t count = 1 + below(60);
    for (std::uint32_t i = 0; i < count; ++i) {
      std::vector<std::string> names;
      for (std::uint32_t n = below(3); n > 0; --n) names.push_back(of(hosts));
      std::vector<config::Match> rows = {match()};
      if (one_in(3)) rows.push_back(match());
      routes.push_back(test::route("r" + std::to_string(i), names, rows));
    }
    return routes;
  }
  std::string line() {
    const std::vector<std::string> ports = {"", ":8443"};
    std::string query;
    for (std::uint32_t i = below(3); i > 0; --i) query += of(parameters) + "=" + of(values) + "&";
    return of(methods) + " " + of(request_hosts) + of(ports) + path() + "?" + query + "z=0";
  }

  const std::vector<std::string> methods = {"GET", "POST", "DELETE"};
  const std::vector<std::string> headers = {"x-tenant", "Accept", "X-Beta"};
  const std::vector<std::string> parameters = {"v", "page"};
  const std::vector<std::string> values = {"1", "2", "3"};
  const std::vector<std::string> hosts = {"a.example", "*.example", "B.example", "*.b.example"};
  const std::vector<std::string> request_hosts = {"a.example",   "A.Example", "b.example",
                                                  "c.b.example", "c.example", "elsewhere.test"};

 private:
  const std::vector<std::string> words_ = {"a", "b", "ab", "abb", "x", "y"};
  Random random_;
};

TEST(RouteTable, AgreesWithAPlainReadingOfTheRules) {
  Chance chance(20261121);
  std::shared_ptr<const RouteTable> table;
  int met = 0;
  for (int round = 0; round < 60; ++round) {
    const auto routes = chance.routes();
    auto compiled = RouteTable::compile(routes, std::vector<config::Listener>(1), table.get());
    ASSERT_TRUE(compiled) << compiled.error().detail;
    table = *compiled;
    for (int i = 0; i < 100; ++i) {
      Request request(chance.line());
      for (std::uint32_t n = chance.below(3); n > 0; --n) {
        // One field of a name: how several combine is tested elsewhere.
        const std::string& name = chance.of(chance.headers);
        if (request.head().headers.find(std::string_view(name)) != nullptr) continue;
        request.add(name + ": " + chance.of(chance.values));
      }
      const Match* match = table->find(0, request.head());
      const std::string found = match == nullptr ? "-" : match->route->name();
      ASSERT_EQ(found, reference(routes, request.head()))
          << "round " << round << ": " << http::to_string(request.head().method) << " "
          << request.head().host << request.head().target;
      ASSERT_EQ(explain(*table, 0, request.head()).winner, match);
      met += match != nullptr;
    }
  }
  EXPECT_GT(met, 1500) << "the random requests should meet random routes";
}

}  // namespace
}  // namespace gateway::routing
