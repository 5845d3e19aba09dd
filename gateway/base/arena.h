#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gateway {

/// Bump allocation for what lives as long as one exchange. Blocks of 4 KiB come from a free list of
/// the thread; larger requests get a block of their own. Destructors are never run, so only
/// trivially destructible types are made here. Not thread-safe; must die on the thread that filled
/// it.
class Arena {
 public:
  static constexpr std::size_t kBlockSize = 4096;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { reset(); }

  void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
    const auto at = (cursor_ + alignment - 1) & ~(alignment - 1);
    if (at + size <= limit_) [[likely]] {
      cursor_ = at + size;
      return reinterpret_cast<void*>(at);
    }
    return allocate_slow(size, alignment);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  template <typename T>
  T* make_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
  }

  /// A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text) {
    char* to = static_cast<char*>(allocate(text.size(), 1));
    append(to, text);
    return {to, text.size()};
  }

  /// One string of several parts.
  template <typename... Parts>
  std::string_view concat(const Parts&... parts) {
    const std::size_t size = (std::string_view(parts).size() + ... + 0);
    char* const to = static_cast<char*>(allocate(size, 1));
    char* at = to;
    ((at = append(at, std::string_view(parts))), ...);
    return {to, size};
  }

  /// Gives every block back; whatever was made here is gone.
  void reset();

  /// Bytes held, for accounting.
  std::size_t footprint() const { return footprint_; }

 private:
  struct Block {
    Block* next;
    std::size_t size;
  };
  static char* append(char* at, std::string_view part) {
    if (part.empty()) return at;  // an empty view may be null, which memcpy must not see
    std::memcpy(at, part.data(), part.size());
    return at + part.size();
  }
  void* allocate_slow(std::size_t size, std::size_t alignment);

  std::uintptr_t cursor_ = 0;
  std::uintptr_t limit_ = 0;
  Block* blocks_ = nullptr;
  std::size_t footprint_ = 0;
};

}  // namespace gateway
