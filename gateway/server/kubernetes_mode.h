#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/checks.h"
#include "gateway/config/model.h"
#include "gateway/kubernetes/api_client.h"
#include "gateway/kubernetes/controller.h"
#include "gateway/server/cluster_metrics.h"
#include "gateway/server/kubernetes_options.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::server {

/// What --kubernetes adds to the process. The cluster is a second source of the model, beside the
/// configuration's file: routes, upstreams and certificates are added to what the file says, and
/// endpoints go straight to the directory. With a Service for them, metrics are served to the
/// cluster. Control thread.
class KubernetesMode final : private kubernetes::ControllerListener {
 public:
  struct Parts {
    EventLoop& loop;
    net::TlsLibrary& library;
    net::CertificateStore& certificates;
    const Registry& registry;
    upstream::EndpointDirectory& directory;
    /// add_to() has something else to add; first when everything has been listed once.
    std::function<void()> changed;
  };
  /// Fails, with a sentence, when an option or the way to the API server cannot be used; the
  /// network is not asked. `base` is what the file says: routes are for its listeners. The parts
  /// outlive it.
  static Result<std::unique_ptr<KubernetesMode>> make(Parts parts, const KubernetesOptions& options,
                                                      const config::Model& base);
  ~KubernetesMode();

  /// Binds what the metrics side needs.
  Result<void> open();
  /// Begins to follow the cluster.
  void start();
  bool synced() const { return translation_ != nullptr; }
  void add_to(config::Model& model) const;
  /// Null: no metrics are served to the cluster.
  ClusterService* cluster() { return metrics_ ? &metrics_->cluster() : nullptr; }
  /// The endpoints of what add_to() adds, as known now: before a model with them is put in force.
  void supply() const;
  /// Another replica may write status and Events from now on. Metrics are told to the end.
  void drain();

 private:
  explicit KubernetesMode(Parts parts);
  void make_metrics(const MetricsOptions& options, const kubernetes::ClusterAccess& access);
  void on_translation(std::shared_ptr<const kubernetes::Translation> translation) override;
  void on_endpoints(kubernetes::Translator::EndpointUpdate update) override;
  void on_leadership() override;
  void on_remark(const std::string& remark) override;
  void look_for_problems();

  const Parts parts_;
  std::shared_ptr<const config::PemPair> self_made_;  ///< for hosts without a certificate
  SteadyClock clock_;
  std::unique_ptr<kubernetes::ApiClient> api_;
  std::unique_ptr<kubernetes::Controller> controller_;
  std::unique_ptr<ClusterMetrics> metrics_;  ///< null: not wanted
  std::shared_ptr<const kubernetes::Translation> translation_;
  kubernetes::Translator::EndpointUpdate endpoints_;  ///< as last told of
  Timer problem_timer_;
  std::vector<std::string> problems_;  ///< as last told of
  int looks_until_trim_ = 0;           ///< since the last change; 0: freed memory was given back
};

/// Adds what a cluster asks for to what the file says. `self_made` is shown for hosts without a
/// certificate where neither has one.
void add_translation(config::Model& model, const kubernetes::Translation& translation,
                     const std::shared_ptr<const config::PemPair>& self_made);

/// What holds when no file says otherwise.
std::string default_kubernetes_configuration();

/// What may not change while the cluster is served, since its routes name the listeners of the
/// start as plain ones or as those with TLS: which are there, in which order, which have TLS. One
/// for each that does, with what would mend it.
std::vector<config::Finding> changed_entrances(const config::Model& before,
                                               const config::Model& after);

}  // namespace gateway::server
