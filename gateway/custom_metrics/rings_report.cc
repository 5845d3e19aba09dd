#include "gateway/custom_metrics/rings_report.h"

#include <nlohmann/json.hpp>

namespace gateway::custom_metrics {
namespace {

using Tree = nlohmann::json;

tl::unexpected<Error> malformed(const char* what) {
  return failure(ErrorCode::bad_request, Side::upstream, what);
}

std::optional<std::uint64_t> number(const Tree& json, std::uint64_t most) {
  if (!json.is_number_unsigned()) return std::nullopt;
  const auto value = json.get<std::uint64_t>();
  return value <= most ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> number(const Tree& object, const char* key, std::uint64_t most) {
  const auto found = object.find(key);
  return found == object.end() ? std::nullopt : number(*found, most);
}

std::optional<std::string> text(const Tree& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

Tree route_json(const RouteReport& route) {
  Tree json = Tree::object();
  if (route.in_flight > 0) json["f"] = route.in_flight;
  if (!route.arrivals.empty()) {
    Tree& list = json["a"] = Tree::array();
    for (const Arrivals& each : route.arrivals) {
      list.push_back(each.age);
      list.push_back(each.count);
    }
  }
  if (route.latency) json["l"] = *route.latency;
  return json;
}

bool read_arrivals(const Tree& list, RouteReport& route) {
  if (!list.is_array() || list.size() % 2 != 0 || list.size() > 2 * RateRing::kBuckets)
    return false;
  std::optional<std::uint32_t> before;
  for (std::size_t i = 0; i < list.size(); i += 2) {
    const auto age = number(list[i], std::tuple_size_v<RateHistory> - 1);
    const auto count = number(list[i + 1], UINT32_MAX);
    // Newest first and each once: what follows need not look for doubles.
    if (!age || !count || (before && *age <= *before)) return false;
    before = static_cast<std::uint32_t>(*age);
    route.arrivals.push_back({*before, static_cast<std::uint32_t>(*count)});
  }
  return true;
}

bool read_latency(const Tree& list, RouteReport& route) {
  if (!list.is_array() || list.size() != Histogram::kBuckets) return false;
  LatencyCounts& counts = route.latency.emplace();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto count = number(list[i], UINT64_MAX >> 8);  // sums of many must not overflow
    if (!count) return false;
    counts[i] = *count;
  }
  return true;
}

bool read_route(const Tree& json, RouteReport& route) {
  if (!json.is_object()) return false;
  if (json.contains("f")) {
    const auto in_flight = number(json, "f", UINT32_MAX);
    if (!in_flight) return false;
    route.in_flight = static_cast<std::int64_t>(*in_flight);
  }
  if (json.contains("a") && !read_arrivals(json["a"], route)) return false;
  return !json.contains("l") || read_latency(json["l"], route);
}

Tree parse(std::string_view bytes) {
  if (bytes.size() > kMostReportBytes) return Tree(Tree::value_t::discarded);
  return Tree::parse(bytes, nullptr, false);
}

}  // namespace

std::string endpoint_series(std::string_view label) {
  return std::string(1, kEndpointMark).append(label);
}

std::string calls_series(std::string_view upstream) { return std::string(">").append(upstream); }
std::string failures_series(std::string_view upstream) { return std::string("!").append(upstream); }

std::string encode(const RingsReport& report) {
  Tree json = {{"replica", report.replica},
               {"second", report.second},
               {"known", report.known_seconds},
               {"routes", Tree::object()}};
  Tree& routes = json["routes"];
  for (const RouteReport& route : report.routes) routes[route.name] = route_json(route);
  return json.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

std::string encode(const RingsQuery& query) {
  const Tree json = {
      {"replica", query.replica}, {"since", query.since}, {"latency", query.latency}};
  return json.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

Result<RingsReport> decode_report(std::string_view bytes) {
  const Tree json = parse(bytes);
  if (!json.is_object()) return malformed("a peer's answer is not JSON");
  auto replica = text(json, "replica");
  const auto second = number(json, "second", UINT32_MAX);
  const auto known = number(json, "known", 60);
  const auto routes = json.find("routes");
  if (!replica || replica->empty() || !second || !known || routes == json.end() ||
      !routes->is_object() || routes->size() > kMostRoutes)
    return malformed("a peer's answer lacks replica, second, known or routes");
  RingsReport report{
      std::move(*replica), static_cast<std::uint32_t>(*second), static_cast<int>(*known), {}};
  report.routes.reserve(routes->size());
  for (const auto& [name, value] : routes->items()) {
    RouteReport& route = report.routes.emplace_back();
    route.name = name;
    if (!read_route(value, route)) return malformed("a route in a peer's answer is malformed");
  }
  return report;
}

Result<RingsQuery> decode_query(std::string_view bytes) {
  const Tree json = parse(bytes);
  if (!json.is_object()) return malformed("the question is not JSON");
  auto replica = text(json, "replica");
  const auto since = number(json, "since", UINT32_MAX);
  const auto latency = json.find("latency");
  if (!replica || !since || latency == json.end() || !latency->is_array() ||
      latency->size() > kMostLatencyRoutes)
    return malformed("the question lacks replica, since or latency");
  RingsQuery query{std::move(*replica), static_cast<std::uint32_t>(*since), {}};
  for (const Tree& name : *latency) {
    if (!name.is_string()) return malformed("latency is not a list of names");
    query.latency.push_back(name.get<std::string>());
  }
  return query;
}

}  // namespace gateway::custom_metrics
