#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/random.h"
#include "gateway/routing/route_table.h"
#include "tests/unit/routing/request.h"
#include "tests/unit/routing/routes.h"

namespace gateway::routing {
namespace {

using test::Request;

using Table = std::shared_ptr<const RouteTable>;

/// Few names, so that routes meet: changes of one host touch others now and then.
class ChangedTable : public testing::Test {
 protected:
  ChangedTable() {
    for (const char* name : {"http", "https", "other"}) {
      listeners_.emplace_back();
      listeners_.back().name = name;
    }
  }

  config::Route random_route() {
    const auto pick = [&](std::vector<std::string> from) {
      return from[random_.below(static_cast<std::uint32_t>(from.size()))];
    };
    test::Hosts hosts;
    for (std::uint32_t i = random_.below(4); i > 0; --i) {
      const std::string host =
          pick({"a.test", "b.test", "c.a.test", "*.a.test", "*.test", "d.test"});
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    }
    const std::string path = pick({"/", "/x", "/x/y"});
    config::Match match = random_.below(3) == 0 ? test::exact(path) : test::prefix(path);
    auto route = test::route(fmt::format("route-{}", next_++), hosts, {match});
    for (const char* name : {"http", "https"})
      if (random_.below(3) == 0) route.listeners.emplace_back(name);
    return route;
  }

  void change() {
    const auto size = static_cast<std::uint32_t>(routes_.size());
    const std::uint32_t kind = random_.below(4);
    if (kind == 0 || size < 4) {
      const std::uint32_t at = random_.below(size + 1);
      routes_.insert(routes_.begin() + at, random_route());
    } else if (kind == 1) {
      routes_.erase(routes_.begin() + random_.below(size));
    } else if (kind == 2) {
      config::Route& route = routes_[random_.below(size)];
      const std::string name = route.name;
      route = random_route();
      if (random_.below(2) == 0) route.name = name;
    } else {
      std::swap(routes_[random_.below(size)], routes_[random_.below(size)]);
    }
  }

  Table compile(const RouteTable* previous) {
    auto table = RouteTable::compile(routes_, listeners_, previous);
    EXPECT_TRUE(table) << table.error().detail;
    return *table;
  }

  std::string answers(const RouteTable& table) {
    std::string all;
    for (std::size_t listener = 0; listener < listeners_.size(); ++listener) {
      for (const char* host :
           {"a.test", "b.test", "c.a.test", "e.a.test", "d.test", "e.test", "z"}) {
        for (const char* path : {"/", "/x", "/x/y", "/x/y/z", "/other"}) {
          Request request(fmt::format("GET {}{}", host, path));
          const Match* match = table.find(listener, request.head());
          all += fmt::format("{} {}{}: {}\n", listener, host, path,
                             match == nullptr ? "nobody" : match->route->name());
        }
      }
    }
    return all;
  }

  Random random_{11};
  int next_ = 0;
  std::vector<config::Listener> listeners_;
  std::vector<config::Route> routes_;
};

TEST_F(ChangedTable, AnswersAsOneMadeFromScratch) {
  Table table = compile(nullptr);
  for (int round = 0; round < 600; ++round) {
    for (std::uint32_t changes = 1 + random_.below(3); changes > 0; --changes) change();
    table = compile(table.get());
    ASSERT_EQ(answers(*table), answers(*compile(nullptr))) << "after change " << round;
  }
}

TEST_F(ChangedTable, SharesTheTablesOfHostsThatDidNotChange) {
  for (const char* host : {"a.test", "b.test", "d.test"})
    routes_.push_back(test::route(host, {host}, {test::prefix("/")}));
  const Table before = compile(nullptr);
  routes_[1].matches = {test::prefix("/x")};
  const Table after = compile(before.get());
  const auto of = [](const Table& table, const char* host) {
    return table->hosts(0).of_pattern(host);
  };
  EXPECT_EQ(of(after, "a.test"), of(before, "a.test"));
  EXPECT_EQ(of(after, "d.test"), of(before, "d.test"));
  EXPECT_NE(of(after, "b.test"), of(before, "b.test"));
}

}  // namespace
}  // namespace gateway::routing
