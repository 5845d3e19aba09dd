#include "gateway/filter/verdict_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace gateway::filter {
namespace {

constexpr std::size_t kMost = 100'000;
constexpr Instant kNow{};
const Instant kLater = kNow + std::chrono::minutes(1);

TokenHash hash_of(int number) { return hash_token(std::to_string(number)); }

void remember(VerdictCache& cache, int number, std::size_t size = 750) {
  cache.put(hash_of(number), std::string(size, 'x'), kLater, kLater);
}

TEST(VerdictBudget, BoundsWhatAllCachesHoldTogether) {
  VerdictBudget budget(kMost);
  std::vector<std::unique_ptr<VerdictCache>> caches;
  for (int i = 0; i < 300; ++i) {
    caches.push_back(std::make_unique<VerdictCache>(10'000, &budget));
    for (int j = 0; j < 20; ++j) remember(*caches.back(), j);
    EXPECT_LE(budget.held(), kMost);
  }
  std::size_t held = 0;
  for (const auto& cache : caches) held += cache->bytes();
  EXPECT_EQ(held, budget.held());
  EXPECT_GT(held, kMost * 9 / 10) << "and no more is forgotten than must be";
}

TEST(VerdictBudget, WhoRemembersMuchMakesRoomForOthers) {
  VerdictBudget budget(kMost);
  VerdictCache small(10'000, &budget);
  VerdictCache large(10'000, &budget);
  for (int i = 0; i < 10; ++i) remember(small, i);
  for (int i = 0; i < 1000; ++i) remember(large, i);
  EXPECT_EQ(small.size(), 10U);
  EXPECT_NE(large.find(hash_of(999), kNow), nullptr);
  EXPECT_EQ(large.find(hash_of(0), kNow), nullptr);
  for (int i = 10; i < 40; ++i) remember(small, i);
  EXPECT_EQ(small.size(), 40U) << "it comes to its share although the other was first";
}

TEST(VerdictBudget, WhatIsForgottenReplacedOrDestroyedCountsNoMore) {
  VerdictBudget budget(kMost);
  {
    VerdictCache cache(10, &budget);
    remember(cache, 1, 4000);
    remember(cache, 1, 100);
    EXPECT_LT(budget.held(), 1000U);
    EXPECT_NE(cache.find(hash_of(1), kNow), nullptr);
    EXPECT_EQ(cache.find(hash_of(1), kLater), nullptr);
    EXPECT_EQ(budget.held(), 0U);
    for (int i = 0; i < 20; ++i) remember(cache, i);
    EXPECT_EQ(cache.size(), 10U);
    EXPECT_EQ(budget.held(), cache.bytes());
  }
  EXPECT_EQ(budget.held(), 0U);
}

TEST(VerdictCache, TellsHowManyHadToGo) {
  VerdictCache cache(2);
  EXPECT_EQ(cache.put(hash_of(1), "ann", kLater, kLater), 0U);
  EXPECT_EQ(cache.put(hash_of(2), "bob", kLater, kLater), 0U);
  EXPECT_EQ(cache.put(hash_of(1), "ann", kLater, kLater), 0U) << "it replaces itself";
  EXPECT_EQ(cache.put(hash_of(3), "eve", kLater, kLater), 1U);
  EXPECT_EQ(cache.find(hash_of(2), kNow), nullptr) << "used least recently";
  EXPECT_EQ(VerdictCache(0).put(hash_of(1), "ann", kLater, kLater), 0U);
}

}  // namespace
}  // namespace gateway::filter
