#pragma once

#include <functional>
#include <string_view>

#include "gateway/custom_metrics/cluster_sum.h"
#include "gateway/custom_metrics/parameters.h"
#include "gateway/custom_metrics/service.h"
#include "gateway/custom_metrics/sum_history.h"

namespace gateway::custom_metrics {

/// A small part of the Prometheus HTTP API, so that KEDA's `prometheus` scaler and the Nomad
/// Autoscaler read the sums without a Prometheus:
///   /api/v1/query          query, time
///   /api/v1/query_range    query, start, end, step (1 s at least)
///   /api/v1/labels, /api/v1/label/<name>/values, /api/v1/series    match[]
/// Exactly one series per metric and route, or upstream. Answers and errors have Prometheus' own
/// shape; what is not known is an error, never an empty result, which scalers take for 0. For
/// promql.h's part of the language. The past goes back SumHistory::kSeconds, of routes alone.
/// Control thread.
class QueryApi {
 public:
  /// Seconds since 1970, of the wall clock.
  using WallClock = std::function<double()>;

  /// All outlive it.
  QueryApi(ClusterSum& sum, SumHistory& history, WallClock wall_clock);

  static bool serves(std::string_view path) { return path.starts_with("/api/v1/"); }
  /// `parameters` of query and form together.
  Answer answer(std::string_view path, const Parameters& parameters);

 private:
  Answer query(const Parameters& parameters);
  Answer query_range(const Parameters& parameters);
  Answer labels(const Parameters& parameters);
  Answer label_values(std::string_view label, const Parameters& parameters);
  Answer series(const Parameters& parameters);

  ClusterSum& sum_;
  SumHistory& history_;
  WallClock wall_clock_;
};

}  // namespace gateway::custom_metrics
