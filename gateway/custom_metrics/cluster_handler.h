#pragma once

#include <functional>
#include <string>

#include "gateway/custom_metrics/query_api.h"
#include "gateway/custom_metrics/replica_rings.h"
#include "gateway/custom_metrics/service.h"

namespace gateway::custom_metrics {

/// Answers on the cluster listener, on the control thread's loop:
///   POST /cluster/rings      for the peers: a client certificate of the listener's CA is needed
///   GET|POST /api/v1/…       the Prometheus query API (QueryApi)
///   GET  /api/rates          plain JSON (rates_answer)
///   GET  /healthz            200, for whoever asks
/// Readers need the bearer token or a client certificate.
class ClusterHandler final : public Service {
 public:
  /// All outlive it. `token` is asked at each request, so that a rotated file counts at once;
  /// empty: certificates alone.
  ClusterHandler(ReplicaRings& rings, ClusterSum& sum, SumHistory& history,
                 std::function<std::string()> token, QueryApi::WallClock wall_clock);

  void answer(const Request& request, Reply reply) override;

 private:
  Answer answer_peer(const Request& request);
  Answer answer_reader(const Request& request);
  bool may_read(const Request& request) const;

  ReplicaRings& rings_;
  ClusterSum& sum_;
  QueryApi query_api_;
  std::function<std::string()> token_;
};

}  // namespace gateway::custom_metrics
