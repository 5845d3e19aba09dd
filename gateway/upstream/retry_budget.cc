#include "gateway/upstream/retry_budget.h"

#include <algorithm>

namespace gateway::upstream {

void RetryBudget::count_request(Instant now) {
  advance(now);
  ++seconds_[static_cast<std::size_t>(current_) % kWindowSeconds].requests;
  ++requests_;
}

bool RetryBudget::try_retry(Instant now) {
  advance(now);
  const double allowed = std::max(ratio_ * static_cast<double>(requests_),
                                  static_cast<double>(floor_) * kWindowSeconds);
  if (static_cast<double>(retries_ + 1) > allowed) return false;
  ++seconds_[static_cast<std::size_t>(current_) % kWindowSeconds].retries;
  ++retries_;
  return true;
}

void RetryBudget::advance(Instant now) {
  const std::int64_t second =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  // After a pause longer than the window, one pass over it is enough.
  current_ = std::max(current_, second - std::int64_t{kWindowSeconds});
  while (current_ < second) {
    Second& oldest = seconds_[static_cast<std::size_t>(++current_) % kWindowSeconds];
    requests_ -= oldest.requests;
    retries_ -= oldest.retries;
    oldest = {};
  }
}

}  // namespace gateway::upstream
