#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/base/clock.h"

namespace gateway::filter {

/// How fast, and how many at once.
struct Rate {
  Duration interval;   ///< between two requests at the steady rate
  Duration tolerance;  ///< how far a client may run ahead of it: interval × (burst - 1)
};

/// One counter for each of many clients in memory of a fixed size, of which the system gives what
/// is used, page by page: a table for whom nobody comes costs nothing. It is the generic cell rate
/// algorithm (ITU-T I.371), which keeps one instant per client. Any number of threads, no lock.
/// When a set of slots is full, the client that has been quiet for longest is forgotten; a
/// forgotten client starts afresh. Two threads that see a new client at once may count it twice for
/// a moment.
class RateTable {
 public:
  /// `slots` is rounded up to a power of two.
  explicit RateTable(std::size_t slots);

  /// Counts one request of `client` (any bytes). Zero when it may pass, else how long until it
  /// could.
  Duration take(std::string_view client, Instant now, const Rate& rate);

 private:
  static constexpr std::size_t kWays = 4;  // one cache line

  /// All zero when it is free, as the system gives memory; touched through std::atomic_ref.
  struct Slot {
    std::uint64_t client;  ///< its hash; 0: free
    std::int64_t due;      ///< when the next request would be on time
  };
  struct alignas(64) Set {
    Slot slots[kWays];
  };

  struct Unmap {
    std::size_t bytes;
    void operator()(Set* sets) const;
  };

  Slot& slot_of(std::uint64_t client);

  std::unique_ptr<Set[], Unmap> sets_;
  std::uint64_t mask_;
  std::uint64_t seed_;  ///< secret: clients cannot choose whom they push out
};

}  // namespace gateway::filter
