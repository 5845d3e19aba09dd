#pragma once

#include <functional>
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
  /// Its requests are those that were sent to its endpoints: no latencies, and no route's labels.
  bool by_endpoint = false;
};

/// A route as a series: with its name as the label `route`, and others.
struct LabelledRoute {
  std::string route;
  Labels labels = {};
  bool operator==(const LabelledRoute&) const = default;
};

/// A route that leads to an object.
struct RoutePart {
  LabelledRoute of;
  /// How many of the route's requests are the object's: one of three pods behind it has a third, a
  /// canary what its weight gives it. Latencies are shared by nobody.
  double share = 1;
  bool operator==(const RoutePart&) const = default;
};

/// An object and the routes whose requests are its own; of a kind that is counted by endpoint, the
/// series of its endpoints (see endpoint_series()).
struct ResolvedObject {
  std::string name;
  std::vector<RoutePart> routes;
};

/// Which routes stand for an object that an autoscaler names. Whoever makes the configuration
/// knows: a controller by the objects that it translated, a YAML file by the route's name. All
/// calls come on the control thread; all but look_up() are answered from memory.
///
/// Errors: not_found (no such object), bad_request (a selector names a label that there is not),
/// anything else means not known now (no sync yet) and becomes 503. An object that no route leads
/// to has no requests to tell: asked for by name it is not found, and "*" passes over it.
class MetricsTarget {
 public:
  virtual ~MetricsTarget() = default;

  /// What discovery shows; never empty.
  virtual const std::vector<ObjectKind>& kinds() const = 0;
  /// One element for a name; any number, each once, for "*".
  virtual Result<std::vector<ResolvedObject>> find(const ObjectQuery& query) = 0;
  /// find() for whoever may have to ask somebody else first. `found` is called once, within or
  /// later.
  using Found = std::function<void(const Result<std::vector<ResolvedObject>>&)>;
  virtual void look_up(const ObjectQuery& query, Found found) { found(find(query)); }

  /// The routes of a namespace, for external metrics. None is no error: nothing is selected then.
  virtual Result<std::vector<LabelledRoute>> routes_of(std::string_view name_space) = 0;
  /// The labels of routes besides `route`: whoever selects by another one is told so.
  virtual std::vector<std::string> route_labels() const { return {}; }
};

}  // namespace gateway::custom_metrics
