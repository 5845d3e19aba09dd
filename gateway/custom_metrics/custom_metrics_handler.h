#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/custom_metrics/api_objects.h"
#include "gateway/custom_metrics/authorizer.h"
#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/front_proxy.h"
#include "gateway/custom_metrics/metrics_target.h"
#include "gateway/custom_metrics/service.h"

namespace gateway::custom_metrics {

/// Serves custom.metrics.k8s.io/v1beta2 and, if wanted, external.metrics.k8s.io/v1beta1 behind the
/// API server's aggregation layer. On the control thread's loop, answered from memory but for
/// what the authorizer and the target have to ask:
///   /apis, /apis/<group>, /apis/<group>/<version>   discovery
///   /openapi/v2, /openapi/v3                        empty documents: a missing one fills logs
///   /healthz, /livez, /readyz                       200, for whoever asks
///   …/namespaces/<ns>/<resource>.<group>/<name>/<metric>
///   …/namespaces/<ns>/metrics/<metric>              of the namespace itself
///   /apis/external.metrics.k8s.io/v1beta1/namespaces/<ns>/<metric>
/// Everything but health needs the front proxy (see authenticate()); metrics need the authorizer's
/// word too. Answers are JSON whatever Accept says: autoscalers take it, and a client that wants
/// protobuf reads Content-Type. Errors are Status objects. Never answered: a wider or lower number
/// than was asked for.
class CustomMetricsHandler final : public Service {
 public:
  struct Settings {
    FrontProxySettings front_proxy;
    bool external = false;  ///< the external API often belongs to somebody else
  };

  /// All outlive it.
  CustomMetricsHandler(ClusterSum& sum, MetricsTarget& target, Authorizer& authorizer)
      : sum_(sum), target_(target), authorizer_(authorizer) {}

  /// For the requests that come from now on.
  void configure(Settings settings) { settings_ = std::move(settings); }
  void answer(const Request& request, Reply reply) override;

 private:
  /// A metric of an object, or of a namespace's routes: what a path and its query asked for.
  struct Question;
  using Segments = std::vector<std::string>;
  using Objects = Result<std::vector<ResolvedObject>>;

  Answer discovery(const Segments& path) const;
  std::vector<ApiGroup> groups() const;
  Result<Question> read(const Segments& path, std::string_view query) const;
  Result<Question> read_custom(const Segments& path, std::string_view query) const;
  Result<Question> read_external(const Segments& path, std::string_view query) const;
  void measure(const Question& question, const Reply& reply);
  static Answer answer_of(const Question& question, Result<Json> items);
  Result<Json> measure_objects(const Question& question, const Objects& objects);
  Result<Json> measure_object(const Question& question, const ResolvedObject& object);
  Result<Json> measure_series(const Question& question);

  ClusterSum& sum_;
  MetricsTarget& target_;
  Authorizer& authorizer_;
  Settings settings_;
};

}  // namespace gateway::custom_metrics
