#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/error.h"
#include "gateway/custom_metrics/metric.h"
#include "gateway/custom_metrics/metrics_target.h"
#include "gateway/custom_metrics/service.h"

/// The Kubernetes API objects that the metrics APIs answer with.
namespace gateway::custom_metrics {

using Json = nlohmann::ordered_json;

inline constexpr std::string_view kCustomGroup = "custom.metrics.k8s.io";
inline constexpr std::string_view kCustomVersion = "v1beta2";
inline constexpr std::string_view kExternalGroup = "external.metrics.k8s.io";
inline constexpr std::string_view kExternalVersion = "v1beta1";

/// A group that is served, with its one version.
struct ApiGroup {
  std::string_view group;
  std::string_view version;
};

Answer json_answer(int status, const Json& body);
/// A `Status` of kind Failure; `reason` in the words of apimachinery.
Answer status_answer(int code, std::string_view reason, std::string_view message);
/// The Status of an error of the sums or the target: not_found 404, bad_request 400, else 503.
Answer status_of(const Error& error);

Json group_list(const std::vector<ApiGroup>& groups);
Json group_object(const ApiGroup& group);
/// What there is to get; verbs are exactly ["get"], or garbage collection and the deletion of
/// namespaces would try the others.
Json custom_resources(const std::vector<ObjectKind>& kinds);
Json external_resources();
bool is_told_of(const ObjectKind& kind, Metric metric);

/// As metav1.LabelSelector.
Json selector_json(const LabelSelector& selector);

/// "2026-11-20T23:35:00Z", now.
std::string timestamp();

}  // namespace gateway::custom_metrics
