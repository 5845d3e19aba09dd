#pragma once

#include <cstddef>
#include <cstdlib>

namespace gateway {

/// Freed blocks of malloc's, at most kKept per thread and Tag, all of one size that holds a
/// pointer. The list has no destructor, so that using it costs no look whether it was made already;
/// what ends it with its thread is made when a block is first missed. Before that and after it
/// blocks go back to malloc at once.
template <typename Tag, std::size_t kKept>
class FreeList {
 public:
  /// Null when none is kept: the caller allocates one.
  static void* take() {
    void* const block = list.head;
    if (block == nullptr) [[unlikely]]
      return begin();
    list.head = *static_cast<void**>(block);
    ++list.room;
    return block;
  }

  static void give(void* block) {
    if (list.room == 0) [[unlikely]]
      return std::free(block);
    *static_cast<void**>(block) = list.head;
    list.head = block;
    --list.room;
  }

 private:
  struct List {
    void* head;
    std::size_t room;
  };
  struct Keeper {
    Keeper() { list.room = kKept; }
    ~Keeper() {
      list.room = 0;
      while (list.head != nullptr) {
        void* const block = list.head;
        list.head = *static_cast<void**>(block);
        std::free(block);
      }
    }
  };
  [[gnu::noinline]] static void* begin() {
    thread_local Keeper keeper;
    (void)keeper;
    return nullptr;
  }

  inline static constinit thread_local List list{nullptr, 0};
};

}  // namespace gateway
