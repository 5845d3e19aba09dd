#pragma once

#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/metrics_target.h"

namespace gateway::custom_metrics {

/// For a configuration from a file: the object's name is the route's name, in any namespace; the
/// namespace as a whole has all routes. There are no pods.
class RouteNameTarget final : public MetricsTarget {
 public:
  /// `sum` outlives it.
  explicit RouteNameTarget(ClusterSum& sum) : sum_(sum) {}

  const std::vector<ObjectKind>& kinds() const override;
  Result<std::vector<ResolvedObject>> find(const ObjectQuery& query) override;
  Result<std::vector<LabelledRoute>> routes_of(std::string_view name_space) override;

 private:
  ClusterSum& sum_;
};

}  // namespace gateway::custom_metrics
