#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "gateway/custom_metrics/object_index.h"
#include "gateway/kubernetes/pod_names.h"
#include "gateway/kubernetes/service_index.h"

namespace gateway::server {

/// What autoscalers may name in a cluster: the objects that a translation lists, and the pods
/// behind them. A pod is the sum of its endpoints, in whatever upstreams they are; one that is in
/// none of ours is not found. Control thread.
class ClusterTarget final : public custom_metrics::MetricsTarget {
 public:
  using ReadPods = std::function<kubernetes::PodAddresses()>;

  /// All outlive it. `objects` has the kind of pods among its kinds and none of them in its
  /// listings.
  ClusterTarget(custom_metrics::ObjectIndex& objects, kubernetes::PodNames& names, ReadPods read)
      : objects_(objects), names_(names), read_(std::move(read)) {}

  /// Pods came, went or have other addresses: they are read anew when somebody asks for one.
  /// Before the first call nothing is known of any, which is an error and no 0.
  void pods_changed() {
    known_ = true;
    stale_ = true;
  }

  const std::vector<custom_metrics::ObjectKind>& kinds() const override { return objects_.kinds(); }
  /// Pods by their labels are an error here: see look_up().
  Result<std::vector<custom_metrics::ResolvedObject>> find(
      const custom_metrics::ObjectQuery& query) override;
  /// Asks the API server which pods a selector takes.
  void look_up(const custom_metrics::ObjectQuery& query, Found found) override;
  Result<std::vector<custom_metrics::LabelledRoute>> routes_of(
      std::string_view name_space) override {
    return objects_.routes_of(name_space);
  }
  std::vector<std::string> route_labels() const override { return objects_.route_labels(); }

 private:
  Result<std::vector<custom_metrics::ResolvedObject>> pods(const custom_metrics::ObjectQuery& query,
                                                           const kubernetes::PodNames::Names* only);

  custom_metrics::ObjectIndex& objects_;
  kubernetes::PodNames& names_;
  const ReadPods read_;
  kubernetes::PodAddresses pods_;
  bool known_ = false;
  bool stale_ = false;
};

}  // namespace gateway::server
