#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/custom_metrics/label_selector.h"

namespace gateway::custom_metrics {

/// What an autoscaler names: an object, or with "*" all of a kind that a selector takes.
struct ObjectQuery {
  std::string group;     ///< "networking.k8s.io"; empty: the core group
  std::string resource;  ///< "ingresses", "services", "pods", "namespaces"
  std::string name_space;
  std::string name;      ///< or "*"
  LabelSelector labels;  ///< of the objects; only with "*"
};

/// How a kind is written in an answer.
struct ObjectKind {
  std::string group;
  std::string resource;
  std::string kind;         ///< "Ingress"
  std::string api_version;  ///< "networking.k8s.io/v1"
};

/// An object and the routes whose requests are its own.
struct ResolvedObject {
  std::string name;
  std::vector<std::string> routes;
  /// Its part of the requests of those routes: pods behind a route share it. Latencies are shared
  /// by nobody.
  double share = 1;
};

/// A route as a series of the external metrics: with its name as the label `route`, and others.
struct LabelledRoute {
  std::string route;
  std::map<std::string, std::string, std::less<>> labels;
};

/// Which routes stand for an object that an autoscaler names. Whoever makes the configuration
/// knows: a controller by the objects that it translated, a YAML file by the route's name. All
/// calls come on the control thread and are answered from memory.
///
/// Errors: not_found (no such object), bad_request (a selector names a label that there is not),
/// anything else means not known now (no sync yet) and becomes 503. An object without routes is
/// known: its sum is 0.
class MetricsTarget {
 public:
  virtual ~MetricsTarget() = default;

  /// What discovery shows; never empty.
  virtual const std::vector<ObjectKind>& kinds() const = 0;
  /// One element for a name; any number, each once, for "*".
  virtual Result<std::vector<ResolvedObject>> find(const ObjectQuery& query) = 0;

  /// The routes of a namespace, for external metrics.
  virtual Result<std::vector<LabelledRoute>> routes_of(std::string_view name_space) = 0;
  /// Labels that routes_of() gives besides `route`.
  virtual std::vector<std::string> route_labels() const { return {}; }
};

}  // namespace gateway::custom_metrics
