#pragma once

#include <cstdint>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/custom_metrics/rings_report.h"

namespace gateway::custom_metrics {

/// What happened in each second of the last minute, made of a counter that is looked at about once
/// a second: what was counted between two looks is spread evenly over the time between them.
/// Seconds are those of RateRing::second_of(). Control thread.
class CountedSeconds {
 public:
  /// `from` and `to` are the two looks; of the seconds before that of `to` nothing is still to
  /// come.
  void spread(std::uint64_t count, Instant from, Instant to);
  /// Drops what is more than a minute older than the running second.
  void forget(std::uint32_t running);
  /// What is known of complete seconds of ages below `news`, newest first.
  std::vector<Arrivals> told(std::uint32_t running, std::uint32_t news) const;
  bool empty() const { return buckets_.empty(); }

 private:
  struct Bucket {
    std::uint32_t second;
    std::uint32_t count;
  };
  void add(Bucket bucket);

  std::vector<Bucket> buckets_;  ///< oldest first
};

}  // namespace gateway::custom_metrics
