#include "gateway/custom_metrics/latency_window.h"

#include <cmath>
#include <numeric>

namespace gateway::custom_metrics {

void LatencyWindow::add(Instant at, const LatencyCounts& counts) {
  // Fewer than before: the series went and came back.
  if (!readings_.empty())
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i] < readings_.back().counts[i]) {
        readings_.clear();
        break;
      }
  // The newest is replaced until it is a step away from the one that stays.
  if (readings_.size() > 1 && readings_.back().at - readings_[readings_.size() - 2].at < kStep)
    readings_.pop_back();
  readings_.push_back({at, counts});
  while (readings_.size() > 2 && at - readings_[1].at >= kLength) readings_.pop_front();
}

void LatencyWindow::add_recent(LatencyCounts& sum) const {
  if (!ready()) return;
  const LatencyCounts& now = readings_.back().counts;
  const LatencyCounts& then = readings_.front().counts;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += now[i] - then[i];
}

double quantile(const LatencyCounts& counts, double q) {
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total == 0) return 0;
  const double rank = std::max(q * static_cast<double>(total), 1.0);
  double below = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    const auto count = static_cast<double>(counts[i]);
    if (count > 0 && below + count >= rank) {
      const double from = i == 0 ? 0 : static_cast<double>(Histogram::kBounds[i - 1]);
      const auto to = static_cast<double>(Histogram::kBounds[i]);
      return (from + (to - from) * (rank - below) / count) / 1e9;
    }
    below += count;
  }
  return static_cast<double>(Histogram::kBounds[Histogram::kBuckets - 2]) / 1e9;
}

}  // namespace gateway::custom_metrics
