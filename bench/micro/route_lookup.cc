// What a look-up among many routes costs: `bench_route_lookup ROUTES LOOK-UPS`. The mixture is that
// of bench/harness/routes.py. Prints times; count instructions with bench/micro/route-instructions.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "gateway/base/random.h"
#include "gateway/routing/route_table.h"

namespace {

using gateway::Arena;
using gateway::config::Match;
using gateway::config::PathMatch;
using gateway::config::Route;
using gateway::http::RequestHead;
using gateway::routing::RouteTable;
using Time = std::chrono::steady_clock;

/// Routes, and one request that each of some of them answers.
class Mixture {
 public:
  explicit Mixture(int count) {
    add("rest", "", {}, "any.bench.test", "/");
    if (count == 1) return;
    for (int i = 0; i < count / 2; ++i) add_prefix(i);
    for (int i = 0; i < count * 3 / 10; ++i) add_host(i);
    for (int i = 0; i < count / 10; ++i) add_special(i);
    for (int i = 0; i < count / 10; ++i) add_regex(i);
  }

  std::vector<Route> routes;
  std::deque<RequestHead> requests;

 private:
  void add_prefix(int i) {
    const std::string path = "/team" + std::to_string(i % 50) + "/service" + std::to_string(i);
    add("prefix" + std::to_string(i), "one.bench.test", {.path = path}, "one.bench.test",
        path + "/items/1");
  }
  void add_host(int i) {
    const bool wild = i % 3 == 0;
    const std::string rest = (wild ? ".tenant" : "host") + std::to_string(i) + ".bench.test";
    add("host" + std::to_string(i), (wild ? "*" : "") + rest, {}, (wild ? "www" : "") + rest,
        "/items");
  }
  void add_special(int i) {
    Match match{.path = "/shared" + std::to_string(i / 4)};
    const std::string path = match.path;
    const std::string value = "v" + std::to_string(i);
    if (i % 4 == 0) match.headers = {{"x-variant", value}};
    if (i % 4 == 1) match.query = {{"variant", value}};
    if (i % 4 == 2) match.methods = {"DELETE"};
    if (i % 4 == 3) match.methods = {"GET"};
    add("special" + std::to_string(i), "special.bench.test", match, "special.bench.test", path);
    RequestHead& head = requests.back();
    if (i % 4 == 0) head.headers.add(arena_, "X-Variant", arena_.copy(value));
    if (i % 4 == 1) head.query = arena_.concat("variant=", value);
    if (i % 4 == 2) head.method = gateway::http::Method::delete_;
  }
  void add_regex(int i) {
    const std::string start = "/report" + std::to_string(i) + "/";
    add("regex" + std::to_string(i), "regex.bench.test",
        {.path_kind = PathMatch::regex, .path = start + "[0-9]+(/[a-z]+)?"}, "regex.bench.test",
        start + "7/lines");
  }

  void add(const std::string& name, const std::string& host, const Match& match,
           const std::string& authority, const std::string& path) {
    Route route;
    route.name = name;
    if (!host.empty()) route.hosts = {host};
    route.matches = {match};
    route.forward = {{"backend", 1}};
    routes.push_back(route);
    RequestHead& head = requests.emplace_back();
    head.host = arena_.concat(authority, ":8443");
    head.path = arena_.copy(path);
    head.headers.add(arena_, "User-Agent", "wrk");
    head.headers.add(arena_, "Accept", "*/*");
  }

  Arena arena_;
};

double milliseconds_since(Time::time_point begin) {
  return std::chrono::duration<double, std::milli>(Time::now() - begin).count();
}

std::shared_ptr<const RouteTable> compile(const std::vector<Route>& routes,
                                          const RouteTable* previous) {
  const auto begin = Time::now();
  auto table = RouteTable::compile(routes, std::vector<gateway::config::Listener>(2), previous);
  if (!table) std::exit(1);
  std::printf("compiled in %.2f ms%s\n", milliseconds_since(begin),
              previous == nullptr ? "" : " with one route changed");
  return *table;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: bench_route_lookup ROUTES LOOK-UPS\n"), 2;
  Mixture mixture(std::atoi(argv[1]));
  const long count = std::atol(argv[2]);
  const auto first = compile(mixture.routes, nullptr);
  mixture.routes[mixture.routes.size() / 2].timeout = std::chrono::seconds(7);
  const auto table = compile(mixture.routes, first.get());

  // A thousand requests at random, as many as a browser's day: caches are neither cold nor ideal.
  gateway::Random random(1);
  std::vector<const RequestHead*> chosen;
  for (int i = 0; i < 1000; ++i) {
    chosen.push_back(
        &mixture.requests[random.below(static_cast<std::uint32_t>(mixture.requests.size()))]);
  }
  long found = 0;
  const auto begin = Time::now();
  for (long i = 0; i < count; ++i) {
    found += table->find(0, *chosen[static_cast<std::size_t>(i % 1000)]) != nullptr;
  }
  if (count > 0) {
    std::printf("%.0f ns a look-up, %ld of %ld found\n",
                milliseconds_since(begin) * 1e6 / static_cast<double>(count), found, count);
  }
  return found == count ? 0 : 1;
}
