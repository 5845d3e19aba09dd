#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gateway/upstream/balancer.h"

namespace gateway::upstream {
namespace {

/// Round robin in which an endpoint of weight 3 comes thrice as often as one of weight 1, evenly
/// spread and not in a row. The order is worked out once: an endpoint's k-th turn of w belongs at
/// (k + 1/2) / w of the cycle, and sorting all turns by that interleaves them.
class Weighted final : public Balancer {
 public:
  Weighted(const EndpointSet& set, Random& random) {
    struct Turn {
      double at;
      std::uint32_t index;
    };
    std::vector<Turn> turns;
    const std::vector<std::uint32_t> weights = small_weights(set);
    for (std::uint32_t i = 0; i < weights.size(); ++i)
      for (std::uint32_t k = 0; k < weights[i]; ++k) turns.push_back({(k + 0.5) / weights[i], i});
    std::ranges::stable_sort(turns, {}, &Turn::at);
    cycle_.reserve(turns.size());
    for (const Turn& turn : turns) cycle_.push_back(turn.index);
    next_ = random.below(static_cast<std::uint32_t>(cycle_.size()));
  }

  std::uint32_t pick(const PickContext& /*context*/, std::uint32_t /*round*/) override {
    const std::uint32_t index = cycle_[next_];
    next_ = next_ + 1 == cycle_.size() ? 0 : next_ + 1;
    return index;
  }

 private:
  static constexpr std::uint64_t kLongestCycle = 4096;

  /// The weights in lowest terms; if their sum is still too long a cycle, scaled down, each staying
  /// at least 1.
  static std::vector<std::uint32_t> small_weights(const EndpointSet& set) {
    std::vector<std::uint32_t> weights;
    std::uint32_t divisor = 0;
    for (const SetEntry& entry : set.entries) {
      weights.push_back(entry.weight);
      divisor = std::gcd(divisor, entry.weight);
    }
    const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}) / divisor;
    const double scale =
        sum <= kLongestCycle ? 1.0 : static_cast<double>(kLongestCycle) / static_cast<double>(sum);
    for (std::uint32_t& weight : weights)
      weight = std::max(1U, static_cast<std::uint32_t>(
                                std::lround(static_cast<double>(weight) / divisor * scale)));
    return weights;
  }

  std::vector<std::uint32_t> cycle_;
  std::size_t next_ = 0;
};

}  // namespace

extern const BalancerRow kWeighted = {
    {"weighted", "Round robin in proportion to the endpoints' weights, evenly interleaved.", {}},
    [](const config::Value& /*options*/, const EndpointSet& set, Random& random)
        -> std::unique_ptr<Balancer> { return std::make_unique<Weighted>(set, random); },
};

}  // namespace gateway::upstream
