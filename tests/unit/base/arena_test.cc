#include "gateway/base/arena.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gateway {
namespace {

TEST(ArenaTest, HoldsNothingUntilAsked) {
  Arena arena;
  EXPECT_EQ(arena.footprint(), 0U);
}

TEST(ArenaTest, MemoryIsAlignedAndDoesNotOverlap) {
  Arena arena;
  std::vector<std::pair<char*, std::size_t>> pieces;
  for (std::size_t size = 1; size < 300; ++size) {
    const std::size_t alignment = std::size_t{1} << (size % 5);
    auto* at = static_cast<char*>(arena.allocate(size, alignment));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0U);
    std::memset(at, static_cast<int>(size % 251), size);
    pieces.emplace_back(at, size);
  }
  for (const auto& [at, size] : pieces)
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(static_cast<unsigned char>(at[i]), size % 251);
}

TEST(ArenaTest, LargePiecesDoNotWasteTheOpenBlock) {
  Arena arena;
  auto* first = static_cast<char*>(arena.allocate(1, 1));
  arena.allocate(3 * Arena::kBlockSize, 1);
  auto* second = static_cast<char*>(arena.allocate(1, 1));
  EXPECT_EQ(second, first + 1);
}

TEST(ArenaTest, CopiesAndJoinsText) {
  Arena arena;
  std::string source = "hello";
  const std::string_view copy = arena.copy(source);
  const std::string_view joined = arena.concat(source, ", ", "world");
  source = "xxxxx";
  EXPECT_EQ(copy, "hello");
  EXPECT_EQ(joined, "hello, world");
  EXPECT_EQ(arena.copy(""), "");
}

TEST(ArenaTest, ResetGivesEverythingBackAndServesAgain) {
  Arena arena;
  for (int i = 0; i < 100; ++i) arena.allocate(1000);
  EXPECT_GT(arena.footprint(), 100'000U);
  arena.reset();
  EXPECT_EQ(arena.footprint(), 0U);
  EXPECT_EQ(arena.copy("again"), "again");
}

}  // namespace
}  // namespace gateway
