#include "gateway/admin/stats.h"

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/admin/listing.h"
#include "gateway/admin/numbers.h"

namespace gateway::admin {
namespace {

std::int64_t wall_milliseconds(Instant instant, Instant now) {
  const auto then = std::chrono::system_clock::now() - (now - instant);
  return std::chrono::duration_cast<std::chrono::milliseconds>(then.time_since_epoch()).count();
}

std::string_view reason_of(std::string_view flag) {
  for (std::size_t i = 1; i <= static_cast<std::size_t>(ErrorCode::internal); ++i) {
    const ErrorDescription& error = describe(static_cast<ErrorCode>(i));
    if (error.flag == flag) return error.label;
  }
  return "";  // "-": the upstream's own answer
}

Json error_json(const RecentError& error, Instant now) {
  return {{"time", wall_milliseconds(error.started, now)},
          {"took_us", error.took_nanoseconds / 1000},
          {"status", error.status},
          {"flag", error.flag.data()},
          {"reason", reason_of(error.flag.data())},
          {"method", error.method.data()},
          {"path", error.path.data()},
          {"route", error.route.data()},
          {"endpoint", error.endpoint.data()},
          {"request_id", error.request_id.data()},
          {"attempts", error.attempts}};
}

struct Routes {
  Json busiest = Json::array();
  Json totals;
  std::size_t count = 0;
};

// With ten thousand routes only the busiest become JSON.
Routes gather_routes(const Registry& registry) {
  const RateTime time(registry);
  RouteCells sum;
  std::vector<std::pair<double, std::string>> order;
  registry.routes.for_each([&](std::string_view name, std::string_view, const RouteCells& cells) {
    sum.merge(cells);
    order.emplace_back(-rate_of(cells, time), name);
  });
  Routes routes{Json::array(), route_json(sum, time), order.size()};
  std::sort(order.begin(), order.end());
  if (order.size() > kShownRoutes) order.resize(kShownRoutes);
  std::map<std::string_view, Json> shown;
  for (const auto& [rate, name] : order) shown[name] = Json{{"name", name}};
  registry.routes.for_each([&](std::string_view name, std::string_view, const RouteCells& cells) {
    const auto found = shown.find(name);
    if (found != shown.end()) found->second.update(route_json(cells, time));
  });
  for (const auto& [rate, name] : order) routes.busiest.push_back(std::move(shown[name]));
  return routes;
}

/// The names of the busiest, in order of name so that the page does not jump.
std::vector<std::string> busiest_upstreams(const Registry& registry) {
  std::vector<std::tuple<std::int64_t, std::uint64_t, std::string>> order;
  registry.upstreams.for_each(
      [&](std::string_view name, std::string_view, const UpstreamCells& cells) {
        std::uint64_t answers = 0;
        for (const Counter& counter : cells.responses.by_class) answers += counter.value();
        order.emplace_back(cells.in_flight.value(), answers, name);
      });
  std::sort(order.begin(), order.end(), std::greater<>());
  if (order.size() > kShownUpstreams) order.resize(kShownUpstreams);
  std::vector<std::string> names;
  for (auto& [in_flight, answers, name] : order) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

Json upstreams(AdminSource& source) {
  const std::vector<std::string> names = busiest_upstreams(source.registry());
  JsonByName numbers = upstream_numbers(source.registry());
  JsonByName endpoints = endpoint_numbers(source, names);
  Json list = Json::array();
  for (const std::string& name : names) {
    Json upstream = {{"name", name}};
    upstream.update(numbers[name]);
    upstream["endpoints"] = std::move(endpoints[name]);
    list.push_back(std::move(upstream));
  }
  return list;
}

}  // namespace

std::string stats_json(AdminSource& source) {
  Registry& registry = source.registry();
  registry.refresh();
  const Instant now = registry.now();
  const AdminSource::State state = source.state();
  Routes routes = gather_routes(registry);
  Json bounds = Json::array();
  for (const std::uint64_t bound : Histogram::kBounds)
    bounds.push_back(bound == UINT64_MAX ? Json(nullptr) : Json(static_cast<double>(bound) / 1e6));
  Json errors = Json::array();
  for (const RecentError& error : registry.recent_errors(kShownErrors))
    errors.push_back(error_json(error, now));
  const std::chrono::duration<double> uptime = now - registry.started();
  return dump({{"time", wall_milliseconds(now, now)},
               {"monotonic", std::chrono::duration<double>(now.time_since_epoch()).count()},
               {"uptime", uptime.count()},
               {"state", state.word},
               {"ready", state.ready},
               {"generation", state.generation},
               {"workers", state.workers},
               {"version", state.version},
               {"bounds_ms", std::move(bounds)},
               {"process", process_numbers(registry)},
               {"totals", std::move(routes.totals)},
               {"route_count", routes.count},
               {"routes", std::move(routes.busiest)},
               {"upstream_count", registry.upstreams.size()},
               {"upstreams", upstreams(source)},
               {"listeners", listener_numbers(registry)},
               {"tokens", token_numbers(registry)},
               {"errors", std::move(errors)}});
}

}  // namespace gateway::admin
