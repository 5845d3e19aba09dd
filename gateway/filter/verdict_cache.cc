#include "gateway/filter/verdict_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace gateway::filter {

VerdictCache::~VerdictCache() {
  const std::size_t before = std::exchange(bytes_, 0);
  if (budget_ != nullptr) budget_->count(*this, before);
}

TokenVerdict* VerdictCache::find(const TokenHash& hash, Instant now) {
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return nullptr;
  TokenVerdict* verdict = found->second.get();
  if (now >= verdict->usable_until) {
    forget(hash);
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
  std::size_t evicted = 0;
  forget(hash);
  for (; entries_.size() >= capacity_; ++evicted) drop_oldest();
  auto made = std::make_unique<TokenVerdict>();
  made->hash = hash;
  made->user = user;
  made->fresh_until = made->ask_again = fresh_until;
  made->usable_until = usable_until;
  recent_.push_front(*made);
  const std::size_t before = bytes_;
  bytes_ += cost(*made);
  entries_.emplace(hash, std::move(made));
  count(before);
  return evicted;
}

// `hash` may be the entry's own.
void VerdictCache::forget(const TokenHash& hash) {
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return;
  const std::size_t before = bytes_;
  bytes_ -= cost(*found->second);
  entries_.erase(found);
  count(before);
}

void VerdictCache::count(std::size_t bytes_before) {
  if (budget_ != nullptr) budget_->count(*this, bytes_before);
}

void VerdictBudget::count(VerdictCache& cache, std::size_t bytes_before) {
  held_ = held_ - bytes_before + cache.bytes_;
  cache.unlink();
  // Behind the others of its size: they take turns.
  if (cache.bytes_ != 0) by_size_[std::bit_width(cache.bytes_)].push_back(cache);
  if (cache.bytes_ > bytes_before) make_room();
}

void VerdictBudget::make_room() {
  while (held_ > most_) {
    const auto fullest = std::find_if(by_size_.rbegin(), by_size_.rend(),
                                      [](const auto& caches) { return !caches.empty(); });
    fullest->front()->drop_oldest();
  }
}

}  // namespace gateway::filter
