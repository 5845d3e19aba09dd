#include "gateway/net/openssl_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstddef>
#include <cstdlib>

#include "gateway/base/free_list.h"

namespace gateway::net {

#if !defined(GATEWAY_SANITIZES_ADDRESS) && !defined(GATEWAY_SANITIZES_THREAD)

namespace {

constexpr std::size_t kSize = 40;  // struct wpacket_sub, an open length field in a record
constexpr std::size_t kGrain = 16;

// Every block is one of malloc's: whichever thread frees it, and whether it is kept or not.
struct OpensslBlocks;
using Kept = FreeList<OpensslBlocks, 8>;

void* allocate(std::size_t size, const char* /*file*/, int /*line*/) {
  if (size == 0) return nullptr;
  const bool kept_size = size <= kSize && size + kGrain > kSize;
  void* const block = kept_size ? Kept::take() : nullptr;
  return block != nullptr ? block : std::malloc(kept_size ? kSize : size);
}

void release(void* block, const char* /*file*/, int /*line*/) {
  if (block == nullptr) return;
  const std::size_t size = malloc_usable_size(block);
  if (size < kSize || size >= kSize + kGrain) return std::free(block);
  Kept::give(block);
}

}  // namespace

void keep_openssl_blocks() { CRYPTO_set_mem_functions(&allocate, nullptr, &release); }

#else

void keep_openssl_blocks() {}

#endif

}  // namespace gateway::net
