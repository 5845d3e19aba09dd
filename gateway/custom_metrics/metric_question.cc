#include "gateway/custom_metrics/metric_question.h"

#include <algorithm>

#include "gateway/custom_metrics/parameters.h"

namespace gateway::custom_metrics {
namespace {

tl::unexpected<Error> not_found(std::string what) {
  return failure(ErrorCode::not_found, Side::downstream, std::move(what));
}

tl::unexpected<Error> bad(std::string what) {
  return failure(ErrorCode::bad_request, Side::downstream, std::move(what));
}

Result<LabelSelector> selector_of(const Parameters& parameters, std::string_view name) {
  const std::string* text = parameters.find(name);
  return LabelSelector::parse(text == nullptr ? std::string_view() : *text);
}

/// "ingresses.networking.k8s.io" is a resource and its group.
const ObjectKind* kind_named(const std::vector<ObjectKind>& kinds, std::string_view full) {
  const auto dot = std::min(full.find('.'), full.size());
  const std::string_view resource = full.substr(0, dot);
  const std::string_view group = full.substr(std::min(dot + 1, full.size()));
  const auto found = std::ranges::find_if(kinds, [&](const ObjectKind& kind) {
    return kind.resource == resource && kind.group == group;
  });
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace

Result<CustomMetricsHandler::Question> CustomMetricsHandler::read(const Segments& path,
                                                                  std::string_view query) const {
  // apis, group, version, namespaces, <ns>, …
  if (path.size() < 6 || path[3] != "namespaces" || path[4].empty())
    return not_found("the server could not find the requested resource");
  auto question = path[1] == kCustomGroup ? read_custom(path, query) : read_external(path, query);
  if (!question) return question;
  for (const std::string& key : question->selector.keys()) {
    const auto known = target_.route_labels();
    if (key != "route" && std::ranges::find(known, key) == known.end())
      return bad("the metric has no label " + key);
  }
  return question;
}

Result<CustomMetricsHandler::Question> CustomMetricsHandler::read_custom(
    const Segments& path, std::string_view query) const {
  const auto parameters = Parameters::parse(query);
  if (!parameters) return bad("the query is malformed");
  const bool whole_namespace = path.size() == 7 && path[5] == "metrics";
  if (!whole_namespace && path.size() != 8)
    return not_found("the server could not find the requested resource");
  Question question;
  const std::string& metric = path.back();
  const std::string full = whole_namespace ? "namespaces" : path[5];
  const ObjectKind* kind = kind_named(target_.kinds(), full);
  if (kind == nullptr) return not_found("no metrics are served for " + full);
  const auto known = metric_named(metric);
  if (!known) return not_found("there is no metric " + metric);
  if (!is_told_of(*kind, *known)) return not_found(metric + " is not told of " + full);
  question.metric = *known;
  question.kind = *kind;
  question.object = {kind->group, kind->resource, path[4], whole_namespace ? path[4] : path[6], {}};
  auto labels = selector_of(*parameters, "labelSelector");
  auto metric_labels = selector_of(*parameters, "metricLabelSelector");
  if (!labels) return tl::make_unexpected(labels.error());
  if (!metric_labels) return tl::make_unexpected(metric_labels.error());
  if (!labels->empty() && question.object.name != "*")
    return bad("labelSelector is for all objects of a kind: the name must be *");
  // What a label of a route would leave out cannot be told from the rest.
  if (kind->by_endpoint && !metric_labels->empty())
    return bad("metrics of " + full + " have no labels");
  question.object.labels = std::move(*labels);
  question.selector = std::move(*metric_labels);
  question.access = {"get",
                     std::string(kCustomGroup),
                     std::string(kCustomVersion),
                     whole_namespace ? "metrics" : full,
                     whole_namespace ? "" : metric,
                     whole_namespace ? metric : path[6],
                     path[4]};
  return question;
}

Result<CustomMetricsHandler::Question> CustomMetricsHandler::read_external(
    const Segments& path, std::string_view query) const {
  const auto parameters = Parameters::parse(query);
  if (!parameters) return bad("the query is malformed");
  if (path.size() != 6) return not_found("the server could not find the requested resource");
  const auto known = metric_named(path[5]);
  if (!known) return not_found("there is no metric " + path[5]);
  auto labels = selector_of(*parameters, "labelSelector");
  if (!labels) return tl::make_unexpected(labels.error());
  Question question;
  question.external = true;
  question.metric = *known;
  question.object.name_space = path[4];
  question.selector = std::move(*labels);
  question.access = {
      "list", std::string(kExternalGroup), std::string(kExternalVersion), path[5], "", "", path[4]};
  return question;
}

}  // namespace gateway::custom_metrics
