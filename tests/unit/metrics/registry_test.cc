#include "gateway/metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class RegistryTest : public testing::Test {
 protected:
  std::vector<std::string> route_names() {
    std::vector<std::string> names;
    registry_.routes.for_each([&names](std::string_view name, std::string_view, const RouteCells&) {
      names.emplace_back(name);
    });
    return names;
  }
  std::uint64_t answered(std::string_view route) {
    std::uint64_t count = 0;
    registry_.routes.for_each(
        [&](std::string_view name, std::string_view, const RouteCells& total) {
          if (name == route) count = total.responses.total();
        });
    return count;
  }

  FakeClock clock_;
  Registry registry_{2, clock_, {.routes = 3}};
};

TEST_F(RegistryTest, SumsOverWorkers) {
  const auto one = registry_.worker(0).route("jobs");
  const auto two = registry_.worker(1).route("jobs");
  EXPECT_NE(one, two);
  one->responses.add(200);
  two->responses.add(200);
  EXPECT_EQ(answered("jobs"), 2u);
}

TEST_F(RegistryTest, AKeptNameKeepsItsCells) {
  auto before = registry_.worker(0).route("jobs");
  before->responses.add(200);
  const auto after = registry_.worker(0).route("jobs");
  EXPECT_EQ(before, after);
  before.reset();
  registry_.refresh();
  EXPECT_EQ(answered("jobs"), 1u);
}

TEST_F(RegistryTest, AConfiguredRouteIsThereBeforeItsFirstRequest) {
  registry_.hold_routes({"jobs", "hello"});
  EXPECT_THAT(route_names(), ElementsAre("hello", "jobs"));
  registry_.hold_routes({"jobs"});
  registry_.refresh();
  clock_.advance(5min);
  registry_.refresh();
  EXPECT_THAT(route_names(), ElementsAre("jobs"));
}

TEST_F(RegistryTest, AConfiguredUpstreamIsThereBeforeItsFirstRequest) {
  registry_.hold_upstreams({"app-a"});
  std::vector<std::string> names;
  registry_.upstreams.for_each([&](std::string_view name, std::string_view, const UpstreamCells&) {
    names.emplace_back(name);
  });
  EXPECT_THAT(names, ElementsAre("app-a"));
}

TEST_F(RegistryTest, ASeriesGoesFiveMinutesAfterItsLastHolder) {
  auto held = registry_.worker(0).route("held");
  auto gone = registry_.worker(0).route("gone");
  gone.reset();
  registry_.refresh();
  clock_.advance(5min - 1s);
  registry_.refresh();
  EXPECT_THAT(route_names(), ElementsAre("gone", "held"));
  clock_.advance(1s);
  registry_.refresh();
  EXPECT_THAT(route_names(), ElementsAre("held"));
}

TEST_F(RegistryTest, ASeriesThatComesBackInTimeGoesOn) {
  registry_.worker(0).route("jobs")->responses.add(200);
  registry_.refresh();
  clock_.advance(4min);
  const auto back = registry_.worker(1).route("jobs");
  registry_.refresh();
  clock_.advance(10min);
  registry_.refresh();
  EXPECT_EQ(answered("jobs"), 1u);
}

TEST_F(RegistryTest, PastTheBoundNamesShareOneSeries) {
  std::vector<std::shared_ptr<RouteCells>> all;
  for (const char* name : {"a", "b", "c", "d", "e"}) all.push_back(registry_.worker(0).route(name));
  EXPECT_EQ(all[3], all[4]);
  EXPECT_NE(all[2], all[3]);
  EXPECT_THAT(route_names(), ElementsAre(kOverflowSeries, "a", "b", "c"));
}

TEST_F(RegistryTest, EndpointsOfTwoUpstreamsAreApart) {
  const auto one = registry_.worker(0).endpoint("a", "127.0.0.1:1");
  const auto two = registry_.worker(0).endpoint("b", "127.0.0.1:1");
  EXPECT_NE(one, two);
}

TEST_F(RegistryTest, HookSetsGaugesBeforeAReading) {
  const auto mirrored = registry_.control().endpoint("a", "127.0.0.1:1");
  registry_.before_read([&] { mirrored->healthy.set(1); });
  registry_.refresh();
  std::int64_t healthy = 0;
  registry_.endpoints.for_each([&](std::string_view, std::string_view, const EndpointCells& total) {
    healthy = total.healthy.value();
  });
  EXPECT_EQ(healthy, 1);
}

TEST_F(RegistryTest, WholeSecondsOfTheProcessAreCountedUpToAMinute) {
  EXPECT_EQ(registry_.known_seconds(), 0);
  clock_.advance(1900ms);
  EXPECT_EQ(registry_.known_seconds(), 0);
  clock_.advance(1s);
  EXPECT_EQ(registry_.known_seconds(), 1);
  clock_.advance(10min);
  EXPECT_EQ(registry_.known_seconds(), 60);
}

TEST_F(RegistryTest, LatestErrorsOfAllWorkersNewestFirst) {
  for (int i = 0; i < 100; ++i) {
    AccessRecord record;
    record.started = clock_.now();
    record.status = 500 + i;
    record.route = "a route with a name that is a good deal longer than what is kept of it";
    registry_.worker(i % 2).recent_errors().note(record);
    clock_.advance(1s);
  }
  const std::vector<RecentError> errors = registry_.recent_errors(3);
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].status, 599);
  EXPECT_EQ(errors[2].status, 597);
  EXPECT_EQ(std::string_view(errors[0].route.data()).size(), RecentError::kText - 1);
  EXPECT_EQ(registry_.recent_errors(1000).size(), 2 * RecentErrors::kKept);
}

TEST_F(RegistryTest, BindingCountingAndReadingGoOnAtOnce) {
  std::atomic<bool> done{false};
  std::thread worker([&] {
    for (int i = 0; i < 2000; ++i) {
      const auto cells = registry_.worker(0).route(i % 2 == 0 ? "even" : "odd");
      cells->begin();
      cells->finish(500, 1ms, 0, 0);
      AccessRecord record;
      record.status = 500;
      registry_.worker(0).recent_errors().note(record);
    }
    done = true;
  });
  while (!done) {
    registry_.refresh();
    for (const RecentError& error : registry_.recent_errors(100)) ASSERT_EQ(error.status, 500);
    clock_.advance(1s);
  }
  worker.join();
  EXPECT_LE(route_names().size(), 2u);
}

}  // namespace
}  // namespace gateway
