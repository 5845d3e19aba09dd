#include "gateway/custom_metrics/rates_json.h"

#include <cmath>

#include "gateway/custom_metrics/api_objects.h"
#include "gateway/custom_metrics/metric.h"

namespace gateway::custom_metrics {
namespace {

// Up: a number that is cut off is lower than the truth.
double rounded_up(double value) { return std::ceil(value * 1000 - 1e-6) / 1000; }

Json peers_json(ClusterSum& sum) {
  Json peers = Json::object();
  for (const ClusterSum::PeerState& peer : sum.peers()) {
    Json& json = peers[peer.name] = {{"state", peer.word}};
    if (peer.word == "silent" || peer.word == "lost") continue;
    json["age_seconds"] = static_cast<double>(peer.age / std::chrono::milliseconds(1)) / 1000.0;
  }
  return peers;
}

Result<Json> route_json(ClusterSum& sum, const std::string& route) {
  const std::span one(&route, 1);
  const auto rate = read(sum, Metric::requests_per_second, one);
  if (!rate) return tl::make_unexpected(rate.error());
  const auto in_flight = read(sum, Metric::requests_in_flight, one);
  if (!in_flight) return tl::make_unexpected(in_flight.error());
  return Json{{"requests_per_second", rounded_up(rate->value)},
              {"window_seconds", rate->window},
              {"in_flight", static_cast<std::int64_t>(in_flight->value)}};
}

// Who is silent is what one wants to know then.
Answer error_answer(ClusterSum& sum, const Error& error) {
  if (error.code == ErrorCode::not_found) return json_answer(404, {{"error", error.detail}});
  return json_answer(503, {{"error", error.detail}, {"peers", peers_json(sum)}});
}

}  // namespace

Answer rates_answer(ClusterSum& sum, const Parameters& parameters) {
  if (auto ready = sum.available(); !ready) return error_answer(sum, ready.error());
  const auto named = parameters.all("route");
  Json routes = Json::object();
  for (const std::string& route : named.empty() ? sum.routes() : named) {
    auto json = route_json(sum, route);
    if (!json) return error_answer(sum, json.error());
    routes[route] = std::move(*json);
  }
  return json_answer(200, {{"routes", std::move(routes)}, {"peers", peers_json(sum)}});
}

}  // namespace gateway::custom_metrics
