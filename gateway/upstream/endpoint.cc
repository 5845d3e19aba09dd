#include "gateway/upstream/endpoint.h"

#include <algorithm>

namespace gateway::upstream {

namespace {
constexpr double kColdest = 0.1;
}  // namespace

Endpoint::Endpoint(std::shared_ptr<const std::string> upstream, SocketAddress address,
                   std::string host, std::string uid)
    : upstream_(std::move(upstream)),
      address_(address),
      host_(std::move(host)),
      uid_(std::move(uid)),
      label_(address.to_string()) {}

bool Endpoint::set_healthy(bool healthy, Instant now) {
  // A connection that the probe could make ends an ejection for want of one.
  if (healthy && !accepts_connections()) recover(now);
  if (healthy_.exchange(healthy, std::memory_order_relaxed) == healthy) return false;
  if (healthy) start_slowly(now);
  return true;
}

void Endpoint::set_accepts_connections(bool accepts) {
  // Looked at first: the line is read by every worker, and stays shared while nothing changes.
  if (accepts_connections() != accepts)
    accepts_connections_.store(accepts, std::memory_order_relaxed);
}

std::uint32_t Endpoint::count_failure() {
  return consecutive_failures_.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Endpoint::count_success() {
  if (consecutive_failures() != 0) consecutive_failures_.store(0, std::memory_order_relaxed);
}

bool Endpoint::eject(Instant until, Instant now) {
  Instant::rep before = ejected_until_.load(std::memory_order_relaxed);
  const bool news = before <= now.time_since_epoch().count();
  if (!ejected_until_.compare_exchange_strong(before, until.time_since_epoch().count(),
                                              std::memory_order_relaxed))
    return false;
  if (!news) return false;
  store(changed_at_, now);
  store(last_trial_, now);
  ejections_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Endpoint::recover(Instant now) {
  set_accepts_connections(true);
  count_success();
  if (ejected_until_.exchange(0, std::memory_order_relaxed) == 0) return false;
  store(changed_at_, now);
  start_slowly(now);
  return true;
}

bool Endpoint::claim_trial(Instant now, Duration interval) {
  Instant::rep last = last_trial_.load(std::memory_order_relaxed);
  const Instant::rep current = now.time_since_epoch().count();
  if (current - last < interval.count()) return false;
  return last_trial_.compare_exchange_strong(last, current, std::memory_order_relaxed);
}

double Endpoint::warmth(Instant now, Duration ramp) const {
  const Instant since = load(slow_start_since_);
  if (since == Instant() || now - since >= ramp) return 1;
  return std::max(kColdest,
                  static_cast<double>((now - since).count()) / static_cast<double>(ramp.count()));
}

}  // namespace gateway::upstream
