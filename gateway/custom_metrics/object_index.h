#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/custom_metrics/metrics_target.h"

namespace gateway::custom_metrics {

/// An object that autoscalers may name, as a controller lists it.
struct ListedObject {
  std::string group;     ///< "networking.k8s.io"; empty: the core group
  std::string resource;  ///< "ingresses"
  std::string name_space;
  std::string name;
  Labels labels = {};  ///< its own, for selectors
  /// By their names in the Model, which are what requests are counted under; others of a name that
  /// nobody serves yet make the number unknown. None: the object is passed over.
  std::vector<RoutePart> routes = {};
};

/// A route and the namespace of the object that it was made of.
struct NamespacedRoute {
  std::string name_space;
  LabelledRoute route;
};

/// Everything at one moment.
struct ObjectListing {
  std::vector<ListedObject> objects;
  std::vector<NamespacedRoute> routes;
};

/// The objects as a controller publishes them, whole, whenever the Model changes: the HPA asks by
/// namespace and name, or by labels. Namespaces are answered out of their routes. Control thread.
class ObjectIndex final : public MetricsTarget {
 public:
  /// `kinds` are what listings will hold, the same for the whole life, so that discovery is never
  /// empty; see default_kinds().
  explicit ObjectIndex(std::vector<ObjectKind> kinds = default_kinds());

  /// Replaces what was published before. Until the first listing nothing is known, which is an
  /// error and no 0.
  void publish(ObjectListing listing);

  /// Ingresses, HTTPRoutes, Services, Pods, Namespaces.
  static std::vector<ObjectKind> default_kinds();

  const std::vector<ObjectKind>& kinds() const override { return kinds_; }
  /// A selector may name the labels that any listed object of that kind and namespace has.
  Result<std::vector<ResolvedObject>> find(const ObjectQuery& query) override;
  Result<std::vector<LabelledRoute>> routes_of(std::string_view name_space) override;
  /// Of all namespaces.
  std::vector<std::string> route_labels() const override { return route_labels_; }

 private:
  struct Object {
    Labels labels;
    std::vector<RoutePart> routes;
  };
  using Objects = std::map<std::string, Object, std::less<>>;  ///< by name
  using Namespaces = std::map<std::string, Objects, std::less<>>;
  struct Contents {
    std::map<std::pair<std::string, std::string>, Namespaces> kinds;  ///< by group and resource
    std::map<std::string, std::vector<LabelledRoute>, std::less<>> routes;
  };
  Result<std::vector<ResolvedObject>> whole_namespace(const ObjectQuery& query) const;
  const Objects* objects_like(const ObjectQuery& query) const;

  const std::vector<ObjectKind> kinds_;
  std::optional<Contents> contents_;
  std::vector<std::string> route_labels_;
};

}  // namespace gateway::custom_metrics
