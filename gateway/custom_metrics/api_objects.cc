#include "gateway/custom_metrics/api_objects.h"

#include <fmt/chrono.h>

#include <ctime>

#include "gateway/custom_metrics/metric.h"

namespace gateway::custom_metrics {
namespace {

std::string group_version(const ApiGroup& group) {
  return std::string(group.group) + "/" + std::string(group.version);
}

Json group_fields(const ApiGroup& group) {
  const Json version = {{"groupVersion", group_version(group)}, {"version", group.version}};
  return {
      {"name", group.group}, {"versions", Json::array({version})}, {"preferredVersion", version}};
}

Json resource(std::string name, bool namespaced, std::string_view kind) {
  return {{"name", std::move(name)},
          {"singularName", ""},
          {"namespaced", namespaced},
          {"kind", kind},
          {"verbs", Json::array({"get"})}};
}

Json resource_list(const ApiGroup& group, Json resources) {
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version(group)},
          {"resources", std::move(resources)}};
}

}  // namespace

Answer json_answer(int status, const Json& body) {
  // Names may come from a request: what is no UTF-8 must not end the process.
  return {status, body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Answer status_answer(int code, std::string_view reason, std::string_view message) {
  Answer answer = json_answer(code, {{"kind", "Status"},
                                     {"apiVersion", "v1"},
                                     {"metadata", Json::object()},
                                     {"status", "Failure"},
                                     {"message", message},
                                     {"reason", reason},
                                     {"code", code}});
  if (code == 405) answer.allow = "GET, HEAD";
  return answer;
}

Answer status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found: return status_answer(404, "NotFound", error.detail);
    case ErrorCode::bad_request: return status_answer(400, "BadRequest", error.detail);
    default: return status_answer(503, "ServiceUnavailable", error.detail);
  }
}

Json group_list(const std::vector<ApiGroup>& groups) {
  Json list = Json::array();
  for (const ApiGroup& group : groups) list.push_back(group_fields(group));
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}};
}

Json group_object(const ApiGroup& group) {
  Json object = {{"kind", "APIGroup"}, {"apiVersion", "v1"}};
  object.update(group_fields(group));
  return object;
}

Json custom_resources(const std::vector<ObjectKind>& kinds) {
  Json resources = Json::array();
  for (const ObjectKind& kind : kinds)
    for (const Metric metric : kMetrics) {
      if (!is_told_of(kind, metric)) continue;
      const std::string full =
          kind.group.empty() ? kind.resource : kind.resource + "." + kind.group;
      resources.push_back(resource(full + "/" + std::string(name_of(metric)),
                                   kind.resource != "namespaces", "MetricValueList"));
    }
  return resource_list({kCustomGroup, kCustomVersion}, std::move(resources));
}

bool is_told_of(const ObjectKind& kind, Metric metric) {
  return !kind.by_endpoint || metric != Metric::latency_p99;
}

Json external_resources() {
  Json resources = Json::array();
  for (const Metric metric : kMetrics)
    resources.push_back(resource(std::string(name_of(metric)), true, "ExternalMetricValueList"));
  return resource_list({kExternalGroup, kExternalVersion}, std::move(resources));
}

Json selector_json(const LabelSelector& selector) {
  constexpr std::string_view kOperators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
  Json list = Json::array();
  for (const LabelSelector::Requirement& each : selector.requirements()) {
    Json json = {{"key", each.key},
                 {"operator", kOperators[static_cast<std::size_t>(each.operation)]}};
    if (!each.values.empty()) json["values"] = each.values;
    list.push_back(std::move(json));
  }
  return {{"matchExpressions", std::move(list)}};
}

std::string timestamp() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace gateway::custom_metrics
