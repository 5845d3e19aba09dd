#include "gateway/filter/rate_table.h"

#include <algorithm>
#include <bit>

#include "gateway/base/hash.h"
#include "gateway/base/random.h"

namespace gateway::filter {

RateTable::RateTable(std::size_t slots) {
  const std::size_t sets = std::bit_ceil(std::max<std::size_t>(slots, kWays) / kWays);
  sets_ = std::make_unique<Set[]>(sets);
  mask_ = sets - 1;
  seed_ = Random::from_entropy().next();
}

RateTable::Slot& RateTable::slot_of(std::uint64_t client) {
  Set& set = sets_[(client >> 32) & mask_];
  while (true) {
    Slot* quietest = &set.slots[0];
    for (Slot& slot : set.slots) {
      if (slot.client.load(std::memory_order_relaxed) == client) return slot;
      if (slot.due.load(std::memory_order_relaxed) <
          quietest->due.load(std::memory_order_relaxed)) {
        quietest = &slot;
      }
    }
    std::uint64_t former = quietest->client.load(std::memory_order_relaxed);
    if (quietest->client.compare_exchange_strong(former, client, std::memory_order_relaxed)) {
      quietest->due.store(0, std::memory_order_relaxed);
      return *quietest;
    }
  }
}

Duration RateTable::take(std::string_view client, Instant now, const Rate& rate) {
  const std::uint64_t hash = hash_bytes(client, seed_) | 1;
  std::atomic<std::int64_t>& due = slot_of(hash).due;
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t before = due.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t ahead = std::max(before - at, std::int64_t{0});
    if (ahead > rate.tolerance.count()) return Duration(ahead - rate.tolerance.count());
    const std::int64_t after = at + ahead + rate.interval.count();
    if (due.compare_exchange_weak(before, after, std::memory_order_relaxed)) return Duration(0);
  }
}

}  // namespace gateway::filter
