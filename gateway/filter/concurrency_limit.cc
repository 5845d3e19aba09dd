#include <atomic>
#include <memory>
#include <vector>

#include "gateway/base/hash.h"
#include "gateway/base/random.h"
#include "gateway/filter/client_address.h"
#include "gateway/filter/filter.h"

namespace gateway::filter {
namespace concurrency_limit {
namespace {

using config::FieldType;

constexpr int kIpv6Bits = 64;
constexpr std::string_view kBy[] = {"address", "route"};
constexpr config::Field kFields[] = {
    {.name = "requests",
     .type = FieldType::integer,
     .text = "How many may be under way at once.",
     .required = true,
     .least = 1,
     .most = 1e6},
    {.name = "by",
     .type = FieldType::choice,
     .text = "Whose requests to count: each client's, by address (of IPv6 the first 64 bits), over "
             "all routes with an equal filter; or each route's, whoever asks.",
     .default_text = "address",
     .choices = kBy},
    {.name = "exempt",
     .type = FieldType::list,
     .text = "Addresses and ranges that are not counted and never limited.",
     .element = FieldType::cidr,
     .lone = true},
};

/// Counts what is under way, for each of many keys, in memory of a fixed size. Any number of
/// threads, no lock. A key whose set is full of others goes uncounted: nobody is refused for what
/// others do. Two threads that bring a new key at the same instant may pass its limit by one.
class Counts {
 public:
  /// The upper bits name the key, the lower ones count it. 0: free.
  using Slot = std::atomic<std::uint64_t>;

  struct Taken {
    bool allowed = false;
    Slot* slot = nullptr;  ///< to be given back; null: uncounted
  };

  Taken take(std::uint64_t hash, std::uint64_t limit) {
    Set& set = sets_[hash % kSets];
    const std::uint64_t name = (hash & ~kCountMask) | kNamed;
    while (true) {
      Slot* slot = nullptr;
      std::uint64_t seen = 0;
      std::uint64_t under_way = 0;
      for (Slot& each : set.slots) {
        const std::uint64_t value = each.load(std::memory_order_relaxed);
        const bool own = value != 0 && (value & ~kCountMask) == name;
        if (own) under_way += value & kCountMask;
        if (!own && (value != 0 || slot != nullptr)) continue;
        slot = &each;
        seen = value;
      }
      if (under_way >= limit) return {};
      if (slot == nullptr) return {.allowed = true};
      const std::uint64_t next = seen == 0 ? name | 1 : seen + 1;
      if (slot->compare_exchange_weak(seen, next, std::memory_order_relaxed)) return {true, slot};
    }
  }

  static void give_back(Slot& slot) {
    std::uint64_t value = slot.load(std::memory_order_relaxed);
    while (!slot.compare_exchange_weak(value, (value & kCountMask) == 1 ? 0 : value - 1,
                                       std::memory_order_relaxed)) {
    }
  }

  /// Secret: clients cannot choose with whom they share a set.
  std::uint64_t seed() const { return seed_; }

 private:
  static constexpr std::size_t kSets = 8192;
  static constexpr std::uint64_t kCountMask = (1 << 24) - 1;
  static constexpr std::uint64_t kNamed = std::uint64_t{1} << 63;

  struct alignas(64) Set {
    Slot slots[8];
  };

  std::unique_ptr<Set[]> sets_ = std::make_unique<Set[]>(kSets);
  std::uint64_t seed_ = Random::from_entropy().next();
};

class ConcurrencyLimit final : public Filter {
 public:
  ConcurrencyLimit(std::uint64_t limit, bool by_route, const std::vector<Cidr>& exempt,
                   Counts& counts)
      : limit_(limit),
        by_route_(by_route),
        exempt_(exempt),
        seed_(mix(counts.seed(), limit * 2 + (by_route ? 1 : 0))),
        counts_(counts) {}

  Verdict on_request(RequestContext& context) override {
    if (!exempt_.empty() && contains(exempt_, context.client)) return Verdict::proceed;
    NetworkBytes storage;
    const std::string_view key =
        by_route_ ? context.route : client_network(context.client, kIpv6Bits, storage);
    const Counts::Taken taken = counts_.take(hash_bytes(key, seed_), limit_);
    context.filter_data = taken.slot;
    if (taken.allowed) return Verdict::proceed;
    // A full route is the service's trouble, a busy client its own.
    context.reply.code = by_route_ ? ErrorCode::upstream_overflow : ErrorCode::rate_limited;
    context.reply.headers.add(context.arena, http::HeaderId::retry_after, "1");
    return Verdict::reply;
  }

  void on_done(RequestContext& context, const Outcome& /*outcome*/) override {
    if (context.filter_data != nullptr)
      Counts::give_back(*static_cast<Counts::Slot*>(context.filter_data));
  }

 private:
  std::uint64_t limit_;
  bool by_route_;
  const std::vector<Cidr>& exempt_;
  std::uint64_t seed_;  ///< of these settings: others count the same client apart
  Counts& counts_;
};

class ConcurrencyLimitPlan final : public Plan {
 public:
  ConcurrencyLimitPlan(std::uint64_t limit, bool by_route, std::vector<Cidr> exempt,
                       std::shared_ptr<Counts> counts)
      : limit_(limit),
        by_route_(by_route),
        exempt_(std::move(exempt)),
        counts_(std::move(counts)) {}
  unsigned hooks() const override { return kOnRequest | kOnDone; }
  std::unique_ptr<Filter> bind(WorkerServices& /*services*/) const override {
    return std::make_unique<ConcurrencyLimit>(limit_, by_route_, exempt_, *counts_);
  }

 private:
  std::uint64_t limit_;
  bool by_route_;
  std::vector<Cidr> exempt_;
  std::shared_ptr<Counts> counts_;
};

Result<std::shared_ptr<const Plan>> compile(const config::Value& options,
                                            CompileServices& services) {
  const auto limit = static_cast<std::uint64_t>(options["requests"].as<std::int64_t>());
  const bool by_route = options["by"].as<std::string>() == "route";
  auto exempt = read_ranges(options["exempt"]);
  if (!exempt) return tl::make_unexpected(exempt.error());
  // What a former configuration let in is under way still, so every one gets the same counts.
  return std::make_shared<const ConcurrencyLimitPlan>(
      limit, by_route, std::move(*exempt), services.shared_state<Counts>("concurrency_limit"));
}

}  // namespace
}  // namespace concurrency_limit

extern const FilterType kConcurrencyLimit = {
    {"concurrency_limit",
     "Answers at once when too many requests are under way: 429 to a client that has too many, 503 "
     "where a route has. Counts in the whole process.",
     concurrency_limit::kFields},
    concurrency_limit::compile};

}  // namespace gateway::filter
