#include "gateway/upstream/balancer.h"

namespace gateway::upstream {
namespace {

class RoundRobin final : public Balancer {
 public:
  RoundRobin(const EndpointSet& set, Random& random)
      : size_(static_cast<std::uint32_t>(set.entries.size())), next_(random.below(size_)) {}

  std::uint32_t pick(const PickContext& /*context*/, std::uint32_t /*round*/) override {
    const std::uint32_t index = next_;
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    return index;
  }

 private:
  std::uint32_t size_;
  // A random start: else all workers and replicas would begin with the same endpoint, and do so
  // again after every change.
  std::uint32_t next_;
};

}  // namespace

extern const BalancerRow kRoundRobin = {
    {"round_robin", "One endpoint after the other, whatever their weights.", {}},
    [](const config::Value& /*options*/, const EndpointSet& set, Random& random)
        -> std::unique_ptr<Balancer> { return std::make_unique<RoundRobin>(set, random); },
};

}  // namespace gateway::upstream
