#include "gateway/filter/rate_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <new>

#include "gateway/base/hash.h"
#include "gateway/base/random.h"

namespace gateway::filter {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

void RateTable::Unmap::operator()(Set* sets) const { ::munmap(sets, bytes); }

RateTable::RateTable(std::size_t slots) {
  const std::size_t sets = std::bit_ceil(std::max<std::size_t>(slots, kWays) / kWays);
  const std::size_t bytes = sets * sizeof(Set);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  sets_ = {static_cast<Set*>(memory), Unmap{bytes}};
  mask_ = sets - 1;
  seed_ = Random::from_entropy().next();
}

RateTable::Slot& RateTable::slot_of(std::uint64_t client) {
  Set& set = sets_[(client >> 32) & mask_];
  while (true) {
    Slot* quietest = &set.slots[0];
    for (Slot& slot : set.slots) {
      if (std::atomic_ref(slot.client).load(kRelaxed) == client) return slot;
      if (std::atomic_ref(slot.due).load(kRelaxed) < std::atomic_ref(quietest->due).load(kRelaxed))
        quietest = &slot;
    }
    const std::atomic_ref owner(quietest->client);
    std::uint64_t former = owner.load(kRelaxed);
    if (owner.compare_exchange_strong(former, client, kRelaxed)) {
      std::atomic_ref(quietest->due).store(0, kRelaxed);
      return *quietest;
    }
  }
}

Duration RateTable::take(std::string_view client, Instant now, const Rate& rate) {
  const std::uint64_t hash = hash_bytes(client, seed_) | 1;
  const std::atomic_ref due(slot_of(hash).due);
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t before = due.load(kRelaxed);
  while (true) {
    const std::int64_t ahead = std::max(before - at, std::int64_t{0});
    if (ahead > rate.tolerance.count()) return Duration(ahead - rate.tolerance.count());
    const std::int64_t after = at + ahead + rate.interval.count();
    if (due.compare_exchange_weak(before, after, kRelaxed)) return Duration(0);
  }
}

}  // namespace gateway::filter
