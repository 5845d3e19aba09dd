#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/custom_metrics/object_index.h"
#include "gateway/kubernetes/api_service_writer.h"
#include "gateway/kubernetes/controller.h"
#include "gateway/kubernetes/peer_slices.h"
#include "gateway/kubernetes/pod_names.h"
#include "gateway/kubernetes/subject_access.h"
#include "gateway/server/authority_secret.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/cluster_target.h"
#include "gateway/server/kubernetes_options.h"
#include "gateway/server/metrics_api_service.h"
#include "gateway/server/review_authorizer.h"

namespace gateway::server {

/// The metrics side of one replica in a cluster: sums over the replicas that the headless Service
/// lists, and the custom metrics API that the API server asks for them. What it needs from the
/// cluster it follows by itself: the authority's Secret, the peers, the front proxy's authority,
/// its APIServices. Control thread.
class ClusterMetrics {
 public:
  struct Parts {
    EventLoop& loop;
    net::TlsLibrary& library;
    net::CertificateStore& certificates;
    const Registry& registry;
    kubernetes::Api& api;
    std::function<bool()> may_write;  ///< asked before whatever only one replica may write
    std::function<void(const std::string&)> remark;  ///< lines for the log
    ClusterTarget::ReadPods pods;                    ///< behind what is served, as known now
  };
  /// `name_space`: where the Services and the Secret are. The parts outlive it.
  ClusterMetrics(Parts parts, const MetricsOptions& options, std::string name_space);

  /// Binds.
  Result<void> open();
  /// Begins to follow the cluster.
  void start();
  ClusterService& cluster() { return cluster_; }
  /// What autoscalers may name from now on.
  void publish(const kubernetes::Translation& translation);
  /// Endpoints have changed, and nothing else of the last translation.
  void endpoints_changed() { target_.pods_changed(); }
  /// `may_write` has another answer from now on.
  void reconsider();
  /// Adds why something is not followed, or could not be written.
  void add_problems(std::vector<std::string>& problems) const;

 private:
  void on_material(const custom_metrics::ServingMaterial& material);
  void on_front_proxy(std::string_view config_map);
  void on_peers(std::vector<kubernetes::Replica> replicas);
  std::string readers_token() const;
  bool lists_the_same(const kubernetes::Translation& translation) const;

  const Parts parts_;
  const MetricsOptions options_;
  const std::string name_space_;
  const std::string peers_name_;
  custom_metrics::ObjectIndex objects_;
  // As last listed.
  std::shared_ptr<const std::set<kubernetes::ObjectName>> ours_;
  config::SharedList<config::Route> routes_;
  config::SharedList<kubernetes::RouteOrigin> origins_;
  kubernetes::PodNames pod_names_;
  ClusterTarget target_;
  ClusterService cluster_;
  kubernetes::SubjectAccess access_;
  ReviewAuthorizer authorizer_;
  MetricsApiService metrics_api_;
  AuthoritySecret authority_;
  kubernetes::ObjectWatch front_proxy_;
  kubernetes::PeerSlices peers_;
  std::vector<std::unique_ptr<kubernetes::ApiServiceWriter>> api_services_;
};

/// What a translation lets autoscalers name: Ingresses, Services and Namespaces, with the routes
/// whose requests are theirs. Pods are a ClusterTarget's.
custom_metrics::ObjectListing listing_of(const kubernetes::Translation& translation);

}  // namespace gateway::server
