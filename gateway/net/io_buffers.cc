#include "gateway/net/io_buffers.h"

#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"

#ifdef GATEWAY_SANITIZES_ADDRESS
#include <sanitizer/asan_interface.h>
#endif

namespace gateway::net {
namespace {

// Not value-initialised: pages that no connection ever fills stay out of memory.
std::unique_ptr<char[]> untouched(std::size_t size) {
  return std::unique_ptr<char[]>(new char[size]);
}

}  // namespace

IoBuffers& IoBuffers::of_thread() {
  thread_local IoBuffers buffers;
  return buffers;
}

IoBuffers::IoBuffers()
    : plain_(untouched(kPlain)),
      cipher_in_(untouched(kCipherIn)),
      cipher_out_(untouched(kCipherOut)),
      gather_(untouched(kRecord)) {
  static BIO_METHOD* const method = make_method();
  bio_ = BIO_new(method);
  GATEWAY_CHECK(bio_ != nullptr);
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
  poison_plain();
}

IoBuffers::~IoBuffers() {
  unpoison_plain();
  BIO_free(bio_);
}

void IoBuffers::poison_plain() {
#ifdef GATEWAY_SANITIZES_ADDRESS
  ASAN_POISON_MEMORY_REGION(plain_.get(), kPlain);
#endif
}

void IoBuffers::unpoison_plain() {
#ifdef GATEWAY_SANITIZES_ADDRESS
  ASAN_UNPOISON_MEMORY_REGION(plain_.get(), kPlain);
#endif
}

BIO_METHOD* IoBuffers::make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loop");
  GATEWAY_CHECK(method != nullptr);
  // The flags are only looked at after a call that failed, which is a read without bytes, so nobody
  // has to clear them.
  BIO_meth_set_read(method, [](BIO* bio, char* out, int size) {
    const int count = static_cast<IoBuffers*>(BIO_get_data(bio))->read(out, size);
    if (count < 0) BIO_set_retry_read(bio);
    return count;
  });
  BIO_meth_set_write(method, [](BIO* bio, const char* bytes, int size) {
    return static_cast<IoBuffers*>(BIO_get_data(bio))->write(bytes, size);
  });
  // Flushing is the transport's business; no other question has an answer here.
  BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  });
  return method;
}

int IoBuffers::read(char* out, int size) {
  const std::size_t count = std::min(in_.size(), static_cast<std::size_t>(size));
  if (count == 0) return -1;
  std::memcpy(out, in_.data(), count);
  in_.remove_prefix(count);
  return static_cast<int>(count);
}

int IoBuffers::write(const char* bytes, int size) {
  const auto count = static_cast<std::size_t>(size);
  if (count > kCipherOut - out_size_) sink_->flush_ciphertext();
  GATEWAY_CHECK(count <= kCipherOut - out_size_);
  std::memcpy(cipher_out_.get() + out_size_, bytes, count);
  out_size_ += count;
  return size;
}

}  // namespace gateway::net
