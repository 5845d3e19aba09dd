#pragma once

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

/// Verdicts of one worker, the least recently used go first. Bounded in number; each costs about
/// 250 bytes. A hit allocates nothing. Not thread-safe.
class VerdictCache {
 public:
  explicit VerdictCache(std::size_t capacity) : capacity_(capacity) {}

  /// Null when nothing is known or the time to live (and grace) is over.
  TokenVerdict* find(const TokenHash& hash, Instant now);
  /// Replaces what was known. Returns how many others had to go.
  std::size_t put(const TokenHash& hash, std::string_view user, Instant fresh_until,
                  Instant usable_until);
  void forget(const TokenHash& hash);
  std::size_t size() const { return entries_.size(); }
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }

 private:
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

  std::size_t capacity_;
  std::unordered_map<TokenHash, std::unique_ptr<TokenVerdict>, Hasher, Equal> entries_;
  IntrusiveList<TokenVerdict, TokenVerdict> recent_;  ///< front: used last
};

}  // namespace gateway::filter
