#include "gateway/custom_metrics/custom_metrics_handler.h"

#include <algorithm>
#include <map>
#include <utility>

#include "gateway/custom_metrics/metric_question.h"
#include "gateway/custom_metrics/parameters.h"
#include "gateway/custom_metrics/quantity.h"

namespace gateway::custom_metrics {
namespace {

constexpr std::string_view kNothing = "the server could not find the requested resource";

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

Labels labels_of(const LabelledRoute& route) {
  Labels labels = route.labels;
  labels["route"] = route.route;
  return labels;
}

// Routes of one share are one sum, so that its window is as short as all of them together allow.
Result<Reading> read_parts(ClusterSum& sum, Metric metric, const std::vector<RoutePart>& parts) {
  std::map<double, std::vector<std::string>> by_share;
  for (const RoutePart& part : parts)
    by_share[metric == Metric::latency_p99 ? 1 : part.share].push_back(part.of.route);
  Reading total;
  for (const auto& [share, routes] : by_share) {
    auto reading = read(sum, metric, routes);
    if (!reading) return reading;
    total.value += reading->value * share;
    total.window = std::max(total.window, reading->window);
  }
  return total;
}

}  // namespace

void CustomMetricsHandler::answer(const Request& request, Reply reply) {
  const bool reads =
      request.head.method == http::Method::get || request.head.method == http::Method::head;
  if (!reads) return reply(status_answer(405, "MethodNotAllowed", "only GET is served here"));
  if (is_health(request.head.path)) return reply({200, "ok", "text/plain; charset=utf-8"});
  auto caller = authenticate(request.head, request.connection, settings_.front_proxy);
  if (!caller) return reply(status_answer(401, "Unauthorized", caller.error().detail));
  const auto path = path_segments(request.head.path);
  if (!path) return reply(status_answer(400, "BadRequest", "the path is malformed"));
  if (path->size() <= 3) return reply(discovery(*path));
  const auto served = groups();
  const bool ours = (*path)[0] == "apis" && std::ranges::any_of(served, [&](const ApiGroup& each) {
                      return each.group == (*path)[1] && each.version == (*path)[2];
                    });
  if (!ours) return reply(status_answer(404, "NotFound", kNothing));
  auto question = read(*path, request.head.query);
  if (!question) return reply(status_of(question.error()));
  authorizer_.decide(
      *caller, question->access,
      [this, user = caller->user, question = *question, reply](Authorizer::Verdict verdict) {
        if (verdict == Authorizer::Verdict::allowed) return measure(question, reply);
        if (verdict == Authorizer::Verdict::unknown)
          return reply(status_answer(503, "ServiceUnavailable",
                                     "the API server could not be asked who may read this"));
        const AccessRequest& access = question.access;
        reply(status_answer(403, "Forbidden",
                            access.resource + " is forbidden: User \"" + user + "\" cannot " +
                                access.verb + " it in the namespace \"" + access.name_space +
                                "\" in API group \"" + access.group + "\""));
      });
}

std::vector<ApiGroup> CustomMetricsHandler::groups() const {
  std::vector<ApiGroup> groups{{kCustomGroup, kCustomVersion}};
  if (settings_.external) groups.push_back({kExternalGroup, kExternalVersion});
  return groups;
}

Answer CustomMetricsHandler::discovery(const Segments& path) const {
  if (path == Segments{"openapi", "v2"})
    return json_answer(200, {{"swagger", "2.0"},
                             {"info", {{"title", "gateway"}, {"version", "v1"}}},
                             {"paths", Json::object()}});
  if (path == Segments{"openapi", "v3"}) return json_answer(200, {{"paths", Json::object()}});
  if (path.empty() || path[0] != "apis") return status_answer(404, "NotFound", kNothing);
  const auto served = groups();
  if (path.size() == 1) return json_answer(200, group_list(served));
  for (const ApiGroup& group : served) {
    if (path[1] != group.group) continue;
    if (path.size() == 2) return json_answer(200, group_object(group));
    if (path[2] != group.version) break;
    return json_answer(200, group.group == kCustomGroup ? custom_resources(target_.kinds())
                                                        : external_resources());
  }
  return status_answer(404, "NotFound", kNothing);
}

void CustomMetricsHandler::measure(const Question& question, const Reply& reply) {
  if (auto ready = sum_.available(); !ready) return reply(status_of(ready.error()));
  if (question.external) return reply(answer_of(question, measure_series(question)));
  target_.look_up(question.object, [this, question, reply](const Objects& objects) {
    reply(answer_of(question, measure_objects(question, objects)));
  });
}

Answer CustomMetricsHandler::answer_of(const Question& question, Result<Json> items) {
  if (!items) return status_of(items.error());
  const ApiGroup group = question.external ? ApiGroup{kExternalGroup, kExternalVersion}
                                           : ApiGroup{kCustomGroup, kCustomVersion};
  return json_answer(200,
                     {{"kind", question.external ? "ExternalMetricValueList" : "MetricValueList"},
                      {"apiVersion", std::string(group.group) + "/" + std::string(group.version)},
                      {"metadata", Json::object()},
                      {"items", std::move(*items)}});
}

Result<Json> CustomMetricsHandler::measure_objects(const Question& question,
                                                   const Objects& objects) {
  if (!objects) return tl::make_unexpected(objects.error());
  const bool all = question.object.name == "*";
  if (!all && objects->size() != 1)
    return failure(ErrorCode::not_found, Side::downstream,
                   question.kind.resource + " \"" + question.object.name + "\" not found");
  Json items = Json::array();
  for (const ResolvedObject& object : *objects) {
    if (all && object.routes.empty()) continue;
    auto item = measure_object(question, object);
    if (!item) return item;
    items.push_back(std::move(*item));
  }
  return items;
}

Result<Json> CustomMetricsHandler::measure_object(const Question& question,
                                                  const ResolvedObject& object) {
  std::vector<RoutePart> parts;
  for (const RoutePart& part : object.routes)
    if (question.selector.matches(labels_of(part.of))) parts.push_back(part);
  // A sum of nothing would be a 0 that nobody counted.
  if (parts.empty())
    return failure(
        ErrorCode::not_found, Side::downstream,
        object.routes.empty() ? "no route leads to " + object.name : "no route is selected");
  const auto reading = read_parts(sum_, question.metric, parts);
  // A route that the object has and nobody serves yet: the number is not known, rather than the
  // object.
  if (!reading && reading.error().code == ErrorCode::not_found)
    return failure(ErrorCode::no_endpoint, Side::internal, reading.error().detail);
  if (!reading) return tl::make_unexpected(reading.error());
  const auto value = quantity(reading->value);
  if (!value) return tl::make_unexpected(value.error());
  Json described = {{"kind", question.kind.kind}};
  if (question.kind.resource != "namespaces") described["namespace"] = question.object.name_space;
  described["name"] = object.name;
  described["apiVersion"] = question.kind.api_version;
  return Json{{"describedObject", std::move(described)},
              {"metric",
               {{"name", name_of(question.metric)},
                {"selector",
                 question.selector.empty() ? Json(nullptr) : selector_json(question.selector)}}},
              {"timestamp", timestamp()},
              {"windowSeconds", reading->window},
              {"value", *value}};
}

Result<Json> CustomMetricsHandler::measure_series(const Question& question) {
  const auto routes = target_.routes_of(question.object.name_space);
  if (!routes) return tl::make_unexpected(routes.error());
  Json items = Json::array();
  for (const LabelledRoute& route : *routes) {
    const Labels labels = labels_of(route);
    if (!question.selector.matches(labels)) continue;
    auto reading = custom_metrics::read(sum_, question.metric, std::span(&route.route, 1));
    if (!reading) return tl::make_unexpected(reading.error());
    const auto value = quantity(reading->value);
    if (!value) return tl::make_unexpected(value.error());
    items.push_back({{"metricName", name_of(question.metric)},
                     {"metricLabels", labels},
                     {"timestamp", timestamp()},
                     {"window", reading->window},
                     {"value", *value}});
  }
  // An empty list would be summed to 0 by whoever asks.
  if (items.empty()) return failure(ErrorCode::not_found, Side::downstream, "no route is selected");
  return items;
}

}  // namespace gateway::custom_metrics
