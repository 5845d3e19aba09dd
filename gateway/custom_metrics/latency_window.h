#pragma once

#include <deque>

#include "gateway/base/clock.h"
#include "gateway/custom_metrics/rings_report.h"

namespace gateway::custom_metrics {

/// What one replica's latency histogram of one route counted in the last minute: histograms count
/// since the process began, and a quantile over days moves no more. Kept are a few earlier
/// readings.
class LatencyWindow {
 public:
  static constexpr Duration kLength = std::chrono::seconds(60);
  static constexpr Duration kStep = std::chrono::seconds(10);

  void add(Instant at, const LatencyCounts& counts);
  /// False until there are two readings to subtract.
  bool ready() const { return readings_.size() > 1; }
  /// Adds the last kLength to kLength + kStep, less while it is young.
  void add_recent(LatencyCounts& sum) const;
  /// Of the newest reading.
  Instant read_at() const { return readings_.back().at; }

 private:
  struct Reading {
    Instant at;
    LatencyCounts counts;
  };
  std::deque<Reading> readings_;  ///< one a step, then the newest
};

/// In seconds, by linear interpolation within the bucket that holds it, as Prometheus'
/// histogram_quantile(); past the last bound, that bound. 0 where nothing was counted.
double quantile(const LatencyCounts& counts, double q);

}  // namespace gateway::custom_metrics
