#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/custom_metrics/metric.h"

namespace gateway::custom_metrics {

/// What the sums were, second by second, for range queries. Kept only while somebody asks: the
/// first question finds the present alone. Idle routes cost nothing. Control thread.
class SumHistory {
 public:
  static constexpr std::uint32_t kSeconds = 300;
  /// Taken for so long after the last question.
  static constexpr Duration kWanted = std::chrono::minutes(10);

  SumHistory(const Clock& clock, ClusterSum& sum) : clock_(clock), sum_(sum) {}

  /// Somebody asks about the past.
  void want() { wanted_until_ = clock_.now() + kWanted; }
  /// Once a second, when the round of the replicas is over.
  void tick();
  /// What the sum of a known route was, and of no upstream, so many seconds ago; nothing where it
  /// was not known.
  std::optional<double> value(Metric metric, std::string_view route, std::uint32_t ago) const;

 private:
  /// Of one route: a ring each, made when there is a first number other than 0.
  struct Series {
    std::array<std::vector<float>, std::size(kMetrics)> rings;
    std::uint32_t last_busy = 0;
  };
  void take(const std::string& route, std::uint32_t second);
  void put(Series& series, Metric metric, std::uint32_t second, float value);

  const Clock& clock_;
  ClusterSum& sum_;
  Instant wanted_until_{};
  std::array<std::uint32_t, kSeconds> taken_{};  ///< the second that each slot is of
  std::map<std::string, Series, std::less<>> series_;
};

}  // namespace gateway::custom_metrics
