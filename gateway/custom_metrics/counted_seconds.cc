#include "gateway/custom_metrics/counted_seconds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

namespace gateway::custom_metrics {
namespace {

constexpr std::uint32_t kMinuteOfSeconds = std::tuple_size_v<RateHistory>;

// A little more than a minute: what is older is not told.
constexpr Duration kSpreadAtMost = std::chrono::seconds(kMinuteOfSeconds + 2);

std::uint32_t bounded(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

// Of the seconds before the running one nothing is still to come: the next look begins in it.
void CountedSeconds::spread(std::uint64_t count, Instant from, Instant to) {
  if (count == 0) return;
  const auto part_until = [&](Instant end) -> std::uint64_t {
    if (end >= to || to <= from) return count;
    const double part =
        static_cast<double>((end - from).count()) / static_cast<double>((to - from).count());
    return static_cast<std::uint64_t>(
        std::llround(static_cast<double>(count) * std::max(part, 0.0)));
  };
  const std::uint32_t first = RateRing::second_of(std::max(from, to - kSpreadAtMost));
  std::uint64_t given = part_until(Instant(std::chrono::seconds(first)));
  for (std::uint32_t second = first; second <= RateRing::second_of(to); ++second) {
    const std::uint64_t until = part_until(Instant(std::chrono::seconds(second + 1)));
    const std::uint32_t here = bounded(until - given);
    given = until;
    if (here == 0) continue;
    add({second, here});
  }
}

// Another counter of the same thing may have had its share of later seconds already.
void CountedSeconds::add(Bucket bucket) {
  auto at = buckets_.end();
  while (at != buckets_.begin() && std::prev(at)->second > bucket.second) --at;
  if (at != buckets_.begin() && std::prev(at)->second == bucket.second)
    std::prev(at)->count += bucket.count;
  else
    buckets_.insert(at, bucket);
}

void CountedSeconds::forget(std::uint32_t running) {
  const std::uint32_t oldest = running > kMinuteOfSeconds ? running - kMinuteOfSeconds : 0;
  const auto kept = std::ranges::find_if(
      buckets_, [oldest](const Bucket& bucket) { return bucket.second >= oldest; });
  buckets_.erase(buckets_.begin(), kept);
}

std::vector<Arrivals> CountedSeconds::told(std::uint32_t running, std::uint32_t news) const {
  std::vector<Arrivals> told;
  for (const Bucket& bucket : std::views::reverse(buckets_)) {
    if (bucket.second >= running) continue;
    const std::uint32_t age = running - 1 - bucket.second;
    if (age >= news) break;
    told.push_back({age, bucket.count});
  }
  return told;
}

}  // namespace gateway::custom_metrics
