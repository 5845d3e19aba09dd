#include "gateway/upstream/balancer.h"

#include <array>

// A new balancer: its file, its row here.
#define GATEWAY_BALANCERS(ROW) \
  ROW(kLeastRequest)           \
  ROW(kRoundRobin)             \
  ROW(kWeighted)               \
  ROW(kConsistentHash)         \
  ROW(kCookie)                 \
  ROW(kRandomChoice)

namespace gateway::upstream {

// One list for declarations and table, so that a balancer costs one line.
#define DECLARE(row) extern const BalancerRow row;
GATEWAY_BALANCERS(DECLARE)
#undef DECLARE

namespace {

#define LIST(row) &(row),
constexpr auto kBalancers = std::to_array<const BalancerRow*>({GATEWAY_BALANCERS(LIST)});
#undef LIST

}  // namespace

std::span<const BalancerRow* const> balancers() { return kBalancers; }

const BalancerRow* find_balancer(std::string_view type) {
  for (const BalancerRow* row : kBalancers)
    if (row->policy.type == type) return row;
  return nullptr;
}

std::span<const config::Policy> balancer_policies() {
  static const auto policies = [] {
    std::array<config::Policy, kBalancers.size()> copies{};
    for (std::size_t i = 0; i < copies.size(); ++i) copies[i] = kBalancers[i]->policy;
    return copies;
  }();
  return policies;
}

}  // namespace gateway::upstream
