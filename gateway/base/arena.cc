#include "gateway/base/arena.h"

#include <cstdlib>

#include "gateway/base/check.h"
#include "gateway/base/free_list.h"

namespace gateway {
namespace {

// Enough for the exchanges that a busy worker has open; past it blocks go back to the allocator.
constexpr std::size_t kKeptBlocks = 1024;

using FreeBlocks = FreeList<Arena, kKeptBlocks>;

void* take_block() {
  void* const block = FreeBlocks::take();
  return block != nullptr ? block : std::malloc(Arena::kBlockSize);
}

}  // namespace

void* Arena::allocate_slow(std::size_t size, std::size_t alignment) {
  const std::size_t needed = sizeof(Block) + size + alignment;
  const bool own = needed > kBlockSize;
  const std::size_t block_size = own ? needed : kBlockSize;
  auto* block = static_cast<Block*>(own ? std::malloc(block_size) : take_block());
  GATEWAY_CHECK(block != nullptr);
  block->size = block_size;
  block->next = blocks_;
  blocks_ = block;
  footprint_ += block_size;
  const auto start = reinterpret_cast<std::uintptr_t>(block) + sizeof(Block);
  const auto at = (start + alignment - 1) & ~(alignment - 1);
  // A block of its own is full at once: go on in the block that was open.
  if (!own || cursor_ == 0) {
    cursor_ = at + size;
    limit_ = reinterpret_cast<std::uintptr_t>(block) + block_size;
  }
  return reinterpret_cast<void*>(at);
}

void Arena::reset() {
  while (blocks_ != nullptr) {
    Block* next = blocks_->next;
    if (blocks_->size == kBlockSize)
      FreeBlocks::give(blocks_);
    else
      std::free(blocks_);
    blocks_ = next;
  }
  cursor_ = limit_ = 0;
  footprint_ = 0;
}

}  // namespace gateway
