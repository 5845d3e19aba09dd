#include <algorithm>
#include <vector>

#include "gateway/upstream/balancer.h"

namespace gateway::upstream {
namespace {

class RandomChoice final : public Balancer {
 public:
  RandomChoice(const EndpointSet& set, Random& random) : random_(random) {
    for (const SetEntry& entry : set.entries) sums_.push_back(total() + entry.weight);
  }

  std::uint32_t pick(const PickContext& /*context*/, std::uint32_t /*round*/) override {
    const auto ticket = static_cast<std::uint64_t>(random_.unit() * static_cast<double>(total()));
    return static_cast<std::uint32_t>(std::ranges::upper_bound(sums_, ticket) - sums_.begin());
  }

 private:
  std::uint64_t total() const { return sums_.empty() ? 0 : sums_.back(); }

  Random& random_;
  std::vector<std::uint64_t> sums_;  ///< of each weight and all before it
};

}  // namespace

extern const BalancerRow kRandomChoice = {
    {"random", "Any endpoint, drawn by weight.", {}},
    [](const config::Value& /*options*/, const EndpointSet& set, Random& random)
        -> std::unique_ptr<Balancer> { return std::make_unique<RandomChoice>(set, random); },
};

}  // namespace gateway::upstream
