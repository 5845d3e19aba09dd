#include "gateway/filter/verdict_cache.h"

namespace gateway::filter {

TokenVerdict* VerdictCache::find(const TokenHash& hash, Instant now) {
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return nullptr;
  TokenVerdict* verdict = found->second.get();
  if (now >= verdict->usable_until) {
    entries_.erase(found);
    return nullptr;
  }
  if (recent_.front() != verdict) {
    verdict->unlink();
    recent_.push_front(*verdict);
  }
  return verdict;
}

std::size_t VerdictCache::put(const TokenHash& hash, std::string_view user, Instant fresh_until,
                              Instant usable_until) {
  if (capacity_ == 0) return 0;
  std::unique_ptr<TokenVerdict>& slot = entries_[hash];
  if (!slot) slot = std::make_unique<TokenVerdict>();
  slot->hash = hash;
  slot->user = user;
  slot->fresh_until = slot->ask_again = fresh_until;
  slot->usable_until = usable_until;
  slot->unlink();
  recent_.push_front(*slot);
  std::size_t evicted = 0;
  while (entries_.size() > capacity_) {
    entries_.erase(recent_.back()->hash);
    ++evicted;
  }
  return evicted;
}

void VerdictCache::forget(const TokenHash& hash) { entries_.erase(hash); }

}  // namespace gateway::filter
