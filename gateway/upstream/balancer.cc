#include "gateway/upstream/balancer.h"

#include <array>

namespace gateway::upstream {

// Each defined by the file of its name.
extern const BalancerRow kLeastRequest;
extern const BalancerRow kRoundRobin;
extern const BalancerRow kWeighted;
extern const BalancerRow kConsistentHash;
extern const BalancerRow kRandomChoice;

namespace {

// A new balancer: its file, its name above, its row here.
constexpr auto kBalancers = std::to_array<const BalancerRow*>({
    &kLeastRequest,
    &kRoundRobin,
    &kWeighted,
    &kConsistentHash,
    &kRandomChoice,
});

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
