#include <algorithm>
#include <vector>

#include "gateway/upstream/balancer.h"

namespace gateway::upstream {
namespace {

/// Draws two endpoints by weight and takes the less loaded one (Mitzenmacher, "The Power of Two
/// Choices", 2001): nearly as even as looking at all of them, and workers that all see the same
/// idle endpoint do not all run to it.
class LeastRequest final : public Balancer {
 public:
  LeastRequest(const EndpointSet& set, Random& random) : random_(random) {
    std::uint64_t sum = 0;
    for (const SetEntry& entry : set.entries) {
      sum += entry.weight;
      entries_.push_back({entry.endpoint.get(), entry.weight, sum});
      uniform_ = uniform_ && entry.weight == entries_.front().weight;
    }
  }

  std::uint32_t pick(const PickContext& /*context*/, std::uint32_t /*round*/) override {
    if (entries_.size() == 1) return 0;
    const std::uint32_t first = draw();
    const std::uint32_t second = draw_other(first);
    return less_loaded(entries_[second], entries_[first]) ? second : first;
  }

 private:
  struct Entry {
    const Endpoint* endpoint;
    std::uint32_t weight;
    std::uint64_t weight_sum;  ///< of this entry and all before it
  };

  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }

  std::uint32_t draw() {
    if (uniform_) return random_.below(size());
    const auto ticket = static_cast<std::uint64_t>(random_.unit() *
                                                   static_cast<double>(entries_.back().weight_sum));
    const auto it = std::ranges::upper_bound(entries_, ticket, {}, &Entry::weight_sum);
    return static_cast<std::uint32_t>(it - entries_.begin());
  }

  // Weighted draws may repeat the first: forcing another one would undo the weights.
  std::uint32_t draw_other(std::uint32_t first) {
    if (!uniform_) return draw();
    return (first + 1 + random_.below(size() - 1)) % size();
  }

  static bool less_loaded(const Entry& a, const Entry& b) {
    return std::uint64_t{a.endpoint->in_flight()} * b.weight <
           std::uint64_t{b.endpoint->in_flight()} * a.weight;
  }

  Random& random_;
  std::vector<Entry> entries_;
  bool uniform_ = true;
};

}  // namespace

extern const BalancerRow kLeastRequest = {
    {"least_request",
     "The less loaded of two endpoints drawn by weight; load is requests in flight over all "
     "workers, for its weight.",
     {}},
    [](const config::Value& /*options*/, const EndpointSet& set, Random& random)
        -> std::unique_ptr<Balancer> { return std::make_unique<LeastRequest>(set, random); },
};

}  // namespace gateway::upstream
