#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace gateway {

/// A queue of bytes in a chain of chunks: append at the back, consume at the front, move whole
/// chains without copying. Chunks (4 KiB small, 64 KiB large) come from free lists of the thread,
/// so a buffer must die on the thread that filled it. An empty buffer holds no memory. Not
/// thread-safe.
class Buffer {
 public:
  static constexpr std::size_t kSmall = 4096;
  static constexpr std::size_t kLarge = 65536;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept { take(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void append(std::string_view bytes) {
    if (tail_ != nullptr && bytes.size() <= tail_->room()) [[likely]] {
      std::memcpy(tail_->data() + tail_->end, bytes.data(), bytes.size());
      tail_->end += static_cast<std::uint32_t>(bytes.size());
      size_ += bytes.size();
      return;
    }
    append_slow(bytes);
  }
  void append(char byte) { append(std::string_view(&byte, 1)); }

  /// Moves every byte of `other` to the back of this one; copies only what fits in the open chunk.
  void append(Buffer&& other);

  /// Room for at least `least` bytes (at most kLarge) in one piece at the back; `commit` what was
  /// used.
  std::span<char> prepare(std::size_t least);
  void commit(std::size_t count);

  /// The first contiguous piece; empty when there is none.
  std::string_view front() const {
    return head_ == nullptr
               ? std::string_view()
               : std::string_view(head_->data() + head_->begin, head_->end - head_->begin);
  }
  void consume(std::size_t count);
  void clear();

  /// Fills at most `capacity` entries with the pieces in order; returns how many.
  int pieces(iovec* out, int capacity) const;

  /// Everything as one string, for tests and rare paths.
  std::string to_string() const;

 private:
  struct Chunk {
    Chunk* next;
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t capacity;
    char* data() { return reinterpret_cast<char*>(this + 1); }
    std::size_t room() const { return capacity - end; }
  };
  friend struct ChunkPool;

  void append_slow(std::string_view bytes);
  void add_chunk(std::size_t least);
  void drop_front();
  void take(Buffer& other) noexcept {
    head_ = other.head_;
    tail_ = other.tail_;
    size_ = other.size_;
    other.head_ = other.tail_ = nullptr;
    other.size_ = 0;
  }

  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gateway
