#include "gateway/net/openssl_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstddef>
#include <cstdlib>

namespace gateway::net {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t kSize = 40;  // struct wpacket_sub, an open length field in a record
constexpr std::size_t kGrain = 16;
constexpr unsigned kKept = 8;

// Every block is one of malloc's: whichever thread frees it, and whether it is kept or not.
struct Kept {
  void* head = nullptr;
  unsigned room = kKept;
  ~Kept() {
    while (head != nullptr) {
      void* next = *static_cast<void**>(head);
      std::free(head);
      head = next;
    }
    room = 0;  // OpenSSL's own farewell to the thread comes after this
  }
};
thread_local Kept kept;

void* allocate(std::size_t size, const char* /*file*/, int /*line*/) {
  if (size == 0) return nullptr;
  if (size > kSize || size + kGrain <= kSize) return std::malloc(size);
  Kept& mine = kept;
  void* block = mine.head;
  if (block == nullptr) return std::malloc(kSize);
  mine.head = *static_cast<void**>(block);
  ++mine.room;
  return block;
}

void release(void* block, const char* /*file*/, int /*line*/) {
  if (block == nullptr) return;
  const std::size_t size = malloc_usable_size(block);
  Kept& mine = kept;
  if (size < kSize || size >= kSize + kGrain || mine.room == 0) return std::free(block);
  *static_cast<void**>(block) = mine.head;
  mine.head = block;
  --mine.room;
}

}  // namespace

void keep_openssl_blocks() { CRYPTO_set_mem_functions(&allocate, nullptr, &release); }

#else

void keep_openssl_blocks() {}

#endif

}  // namespace gateway::net
