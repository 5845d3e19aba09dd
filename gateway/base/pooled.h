#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace gateway {

/// Gives a class its own free list per thread: objects made and deleted at every request cost a
/// pointer swap each. Derive as `class Stream : public Pooled<Stream>`; only for final classes (one
/// size). An object must be deleted on the thread that made it.
template <typename T, std::size_t kKept = 1024>
class Pooled {
 public:
  static void* operator new(std::size_t size) {
    List& list = free_list();
    if (size != sizeof(T) || list.head == nullptr) {
      void* memory = std::malloc(size);
      if (memory == nullptr) throw std::bad_alloc();
      return memory;
    }
    void* memory = list.head;
    list.head = *static_cast<void**>(memory);
    --list.count;
    return memory;
  }

  static void operator delete(void* memory, std::size_t size) {
    List& list = free_list();
    if (size != sizeof(T) || list.count >= list.most) return std::free(memory);
    *static_cast<void**>(memory) = list.head;
    list.head = memory;
    ++list.count;
  }

 private:
  struct List {
    void* head = nullptr;
    std::size_t count = 0;
    std::size_t most = kKept;
    ~List() {
      while (head != nullptr) {
        void* next = *static_cast<void**>(head);
        std::free(head);
        head = next;
      }
      most = 0;
    }
  };
  static List& free_list() {
    thread_local List list;
    return list;
  }
};

}  // namespace gateway
