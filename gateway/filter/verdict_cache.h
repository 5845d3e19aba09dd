#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/filter/token_hash.h"

namespace gateway::filter {

/// What is known of one token.
struct TokenVerdict : public ListHook<TokenVerdict> {
  TokenHash hash{};
  std::string user;  ///< empty: denied
  Instant fresh_until{};
  Instant usable_until{};  ///< past fresh_until only while the upstream gives no verdict
  Instant ask_again{};     ///< while stale: not before this
};

class VerdictBudget;

/// Verdicts of one worker, the least recently used go first. Bounded in number; each costs about
/// 250 bytes and its text. A hit allocates nothing. Not thread-safe.
class VerdictCache : public ListHook<VerdictCache> {
 public:
  /// `budget`: what it shares with other caches of the worker and which outlives it; null: nothing.
  explicit VerdictCache(std::size_t capacity, VerdictBudget* budget = nullptr)
      : capacity_(capacity), budget_(budget) {}
  ~VerdictCache();
  VerdictCache(const VerdictCache&) = delete;
  VerdictCache& operator=(const VerdictCache&) = delete;

  /// Null when nothing is known or the time to live (and grace) is over.
  TokenVerdict* find(const TokenHash& hash, Instant now);
  /// Replaces what was known. Returns how many others had to go for want of room in this cache.
  std::size_t put(const TokenHash& hash, std::string_view user, Instant fresh_until,
                  Instant usable_until);
  void forget(const TokenHash& hash);
  std::size_t size() const { return entries_.size(); }
  /// What its entries cost.
  std::size_t bytes() const { return bytes_; }
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }

 private:
  friend class VerdictBudget;
  struct Hasher {
    // A SHA-256 is as good as random: any eight bytes of it will do.
    std::size_t operator()(const TokenHash& hash) const {
      std::size_t value;
      std::memcpy(&value, hash.data(), sizeof value);
      return value;
    }
  };
  struct Equal {
    bool operator()(const TokenHash& a, const TokenHash& b) const {
      return equal_in_constant_time(a, b);
    }
  };

  static constexpr std::size_t kEntryBytes = 250;
  static std::size_t cost(const TokenVerdict& verdict) { return kEntryBytes + verdict.user.size(); }
  void drop_oldest() { forget(recent_.back()->hash); }
  void count(std::size_t bytes_before);

  std::size_t capacity_;
  VerdictBudget* const budget_;
  std::size_t bytes_ = 0;
  std::unordered_map<TokenHash, std::unique_ptr<TokenVerdict>, Hasher, Equal> entries_;
  IntrusiveList<TokenVerdict, TokenVerdict> recent_;  ///< front: used last
};

/// Bounds what caches of one worker hold together, in bytes. Past that one forgets which holds more
/// than half of what the fullest does: who remembers much makes room, nobody else. Costs the same
/// however many caches there are. Not thread-safe.
class VerdictBudget {
 public:
  explicit VerdictBudget(std::size_t bytes) : most_(bytes) {}
  VerdictBudget(const VerdictBudget&) = delete;
  VerdictBudget& operator=(const VerdictBudget&) = delete;

  std::size_t held() const { return held_; }

 private:
  friend class VerdictCache;
  void count(VerdictCache& cache, std::size_t bytes_before);
  void make_room();

  const std::size_t most_;
  std::size_t held_ = 0;
  /// By the number of bits of what they hold.
  std::array<IntrusiveList<VerdictCache, VerdictCache>, sizeof(std::size_t) * 8 + 1> by_size_;
};

}  // namespace gateway::filter
