#include "gateway/admin/numbers.h"

#include <cmath>
#include <set>
#include <utility>

#include "gateway/metrics/process_facts.h"
#include "gateway/metrics/rate_window.h"

namespace gateway::admin {
namespace {

double rounded(double number) { return std::round(number * 1000) / 1000; }

Json endpoint_json(const upstream::SetEntry& entry, Instant now) {
  const upstream::Endpoint& endpoint = *entry.endpoint;
  return {{"address", endpoint.label()},
          {"host", endpoint.host()},
          {"weight", entry.weight},
          {"healthy", endpoint.healthy()},
          {"ejected", endpoint.ejected(now)},
          {"accepting", endpoint.accepts_connections()},
          {"ejections", endpoint.ejections()},
          {"in_flight", endpoint.in_flight()},
          {"connections", endpoint.connections()}};
}

}  // namespace

Json classes_json(const ResponseClasses& classes) {
  Json json = Json::array();
  for (const Counter& counter : classes.by_class) json.push_back(counter.value());
  return json;
}

Json latency_json(const Histogram& histogram) {
  Json json = Json::array();
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) json.push_back(histogram.count_in(i));
  return json;
}

double rate_of(const RouteCells& cells, const RateTime& time) {
  RateHistory history{};
  cells.arrivals.read_into(history, time.now);
  return request_rate(history, time.known_seconds).per_second;
}

Json route_json(const RouteCells& cells, const RateTime& time) {
  RateHistory history{};
  cells.arrivals.read_into(history, time.now);
  const RequestRate rate = request_rate(history, time.known_seconds);
  return {{"rate", rounded(rate.per_second)},
          {"window", rate.window},
          {"history", history},
          {"responses", classes_json(cells.responses)},
          {"in_flight", cells.in_flight.value()},
          {"bytes_in", cells.bytes_in.value()},
          {"bytes_out", cells.bytes_out.value()},
          {"retries", cells.retries.value()},
          {"latency", latency_json(cells.latency)}};
}

JsonByName route_numbers(const Registry& registry) {
  JsonByName all;
  const RateTime time(registry);
  registry.routes.for_each([&](std::string_view name, std::string_view, const RouteCells& cells) {
    all.emplace(name, route_json(cells, time));
  });
  return all;
}

JsonByName upstream_numbers(const Registry& registry) {
  JsonByName all;
  registry.upstreams.for_each(
      [&](std::string_view name, std::string_view, const UpstreamCells& cells) {
        all.emplace(name, Json{{"responses", classes_json(cells.responses)},
                               {"in_flight", cells.in_flight.value()},
                               {"waiting", cells.waiting.value()},
                               {"connections", cells.connections.value()},
                               {"idle", cells.connections_idle.value()},
                               {"retries", cells.retries.value()},
                               {"retries_refused", cells.retries_refused.value()},
                               {"overflows", cells.overflows.value()},
                               {"no_endpoint", cells.no_endpoint.value()},
                               {"connects", cells.connects.value()},
                               {"connect_failures", cells.connect_failures.value()},
                               {"latency", latency_json(cells.latency)}});
      });
  return all;
}

JsonByName endpoint_numbers(AdminSource& source, const std::vector<std::string>& upstreams) {
  const std::set<std::string_view> wanted(upstreams.begin(), upstreams.end());
  std::map<std::pair<std::string, std::string>, Json> counted;
  source.registry().endpoints.for_each(
      [&](std::string_view name, std::string_view address, const EndpointCells& cells) {
        if (!wanted.contains(name)) return;
        counted.emplace(std::pair(name, address), Json{{"responses", classes_json(cells.responses)},
                                                       {"latency", latency_json(cells.latency)}});
      });
  JsonByName all;
  const Instant now = source.registry().now();
  for (const std::string& name : upstreams) {
    Json& list = all.emplace(name, Json::array()).first->second;
    const upstream::EndpointSetPtr set = source.endpoints().find(name);
    if (!set) continue;
    for (const upstream::SetEntry& entry : set->entries) {
      Json json = endpoint_json(entry, now);
      const auto found = counted.find({name, entry.endpoint->label()});
      if (found != counted.end()) json.update(found->second);
      list.push_back(std::move(json));
    }
  }
  return all;
}

Json listener_numbers(const Registry& registry) {
  Json list = Json::array();
  registry.listeners.for_each(
      [&](std::string_view name, std::string_view, const ListenerCells& cells) {
        list.push_back({{"name", name},
                        {"active", cells.active.value()},
                        {"accepted", cells.accepted.value()},
                        {"refused", cells.refused.value()},
                        {"tls12", cells.handshakes[0].value()},
                        {"tls13", cells.handshakes[1].value()},
                        {"resumed", cells.resumed[0].value() + cells.resumed[1].value()},
                        {"failed", cells.handshakes_failed.value()}});
      });
  return list;
}

Json token_numbers(const Registry& registry) {
  Json list = Json::array();
  registry.tokens.for_each([&](std::string_view name, std::string_view, const TokenCells& cells) {
    list.push_back({{"name", name},
                    {"allow", cells.allowed.value()},
                    {"deny", cells.denied.value()},
                    {"none", cells.no_verdict.value()},
                    {"cache_hits", cells.cache_hits.value()},
                    {"stale_hits", cells.stale_hits.value()},
                    {"lookups", cells.lookups.value()},
                    {"lookups_in_flight", cells.lookups_in_flight.value()},
                    {"evictions", cells.evictions.value()},
                    {"entries", cells.entries.value()}});
  });
  return list;
}

Json process_numbers(const Registry& registry) {
  ProcessCells cells;
  registry.read_process(cells);
  const ProcessFacts facts = process_facts();
  Json replies = Json::object();
  for (std::size_t i = 1; i < cells.local_replies.size(); ++i)
    if (cells.local_replies[i].value() != 0)
      replies[std::string(describe(static_cast<ErrorCode>(i)).label)] =
          cells.local_replies[i].value();
  return {{"cpu_seconds", rounded(facts.cpu_seconds)},
          {"resident_bytes", facts.resident_bytes},
          {"open_descriptors", facts.open_descriptors},
          {"started_at", facts.started_at},
          {"reloads_ok", cells.reloads_ok.value()},
          {"reloads_failed", cells.reloads_failed.value()},
          {"log_lines", cells.log_lines.value()},
          {"log_lines_dropped", cells.log_lines_dropped.value()},
          {"underscore_headers", cells.underscore_headers.value()},
          {"local_replies", std::move(replies)}};
}

std::string duration_text(Duration duration) {
  using namespace std::chrono_literals;
  if (duration % 1s == 0s) return std::to_string(duration / 1s) + "s";
  if (duration % 1ms == 0ms) return std::to_string(duration / 1ms) + "ms";
  return std::to_string(duration / 1us) + "us";
}

}  // namespace gateway::admin
