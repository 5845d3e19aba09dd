#include "gateway/base/buffer.h"

#include <algorithm>
#include <cstdlib>

#include "gateway/base/check.h"
#include "gateway/base/free_list.h"

namespace gateway {

// Freed chunks are kept for the next response of this thread: giving 64 KiB back each turn costs
// page faults that show in bulk transfers.
struct ChunkPool {
  struct Small;
  struct Large;
  using FreeSmall = FreeList<Small, 512>;
  using FreeLarge = FreeList<Large, 64>;

  static std::size_t total(std::size_t capacity) { return sizeof(Buffer::Chunk) + capacity; }

  static Buffer::Chunk* take(std::size_t least) {
    const bool is_small = least <= Buffer::kSmall - sizeof(Buffer::Chunk);
    auto* chunk = static_cast<Buffer::Chunk*>(is_small ? FreeSmall::take() : FreeLarge::take());
    if (chunk == nullptr) chunk = make(is_small ? Buffer::kSmall : total(Buffer::kLarge));
    chunk->next = nullptr;
    chunk->begin = chunk->end = 0;
    return chunk;
  }

  static Buffer::Chunk* make(std::size_t bytes) {
    auto* chunk = static_cast<Buffer::Chunk*>(std::malloc(bytes));
    GATEWAY_CHECK(chunk != nullptr);
    chunk->capacity = static_cast<std::uint32_t>(bytes - sizeof(Buffer::Chunk));
    return chunk;
  }

  static void give(Buffer::Chunk* chunk) {
    if (chunk->capacity < Buffer::kSmall)
      FreeSmall::give(chunk);
    else
      FreeLarge::give(chunk);
  }
};

void Buffer::add_chunk(std::size_t least) {
  Chunk* chunk = ChunkPool::take(least);
  if (tail_ == nullptr)
    head_ = chunk;
  else
    tail_->next = chunk;
  tail_ = chunk;
}

void Buffer::append_slow(std::string_view bytes) {
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->room() == 0) add_chunk(std::min(bytes.size(), kLarge));
    const std::size_t count = std::min(bytes.size(), tail_->room());
    std::memcpy(tail_->data() + tail_->end, bytes.data(), count);
    tail_->end += static_cast<std::uint32_t>(count);
    size_ += count;
    bytes.remove_prefix(count);
  }
}

void Buffer::append(Buffer&& other) {
  if (other.empty()) return;
  if (empty()) {
    clear();
    take(other);
    return;
  }
  if (other.head_ == other.tail_ && other.size_ <= tail_->room()) {
    append(other.front());
    other.clear();
    return;
  }
  tail_->next = other.head_;
  tail_ = other.tail_;
  size_ += other.size_;
  other.head_ = other.tail_ = nullptr;
  other.size_ = 0;
}

std::span<char> Buffer::prepare(std::size_t least) {
  GATEWAY_CHECK(least <= kLarge);
  if (tail_ == nullptr || tail_->room() < least) add_chunk(least);
  return {tail_->data() + tail_->end, tail_->room()};
}

void Buffer::commit(std::size_t count) {
  GATEWAY_CHECK(count == 0 || (tail_ != nullptr && count <= tail_->room()));
  if (count == 0) return;
  tail_->end += static_cast<std::uint32_t>(count);
  size_ += count;
}

void Buffer::drop_front() {
  Chunk* chunk = head_;
  head_ = chunk->next;
  if (head_ == nullptr) tail_ = nullptr;
  ChunkPool::give(chunk);
}

void Buffer::consume(std::size_t count) {
  GATEWAY_CHECK(count <= size_);
  size_ -= count;
  if (size_ == 0) return clear();
  while (count > 0) {
    const std::size_t here = head_->end - head_->begin;
    if (count < here) {
      head_->begin += static_cast<std::uint32_t>(count);
      return;
    }
    count -= here;
    drop_front();
  }
}

void Buffer::clear() {
  while (head_ != nullptr) drop_front();
  size_ = 0;
}

int Buffer::pieces(iovec* out, int capacity) const {
  int count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < capacity; chunk = chunk->next) {
    if (chunk->begin == chunk->end) continue;
    out[count].iov_base = chunk->data() + chunk->begin;
    out[count].iov_len = chunk->end - chunk->begin;
    ++count;
  }
  return count;
}

std::string Buffer::to_string() const {
  std::string text;
  text.reserve(size_);
  for (Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next)
    text.append(chunk->data() + chunk->begin, chunk->end - chunk->begin);
  return text;
}

}  // namespace gateway
