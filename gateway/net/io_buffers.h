#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace gateway::net {

/// Where a TLS connection's ciphertext goes when the scratch is full.
class CiphertextSink {
 public:
  virtual void flush_ciphertext() = 0;

 protected:
  ~CiphertextSink() = default;
};

/// The buffers that all transports of one thread share, so that an idle connection owns none: what
/// one recv() brings, its plaintext, and the records made by one write. OpenSSL reads and writes
/// them through one BIO that all connections of the thread share; whoever calls into OpenSSL says
/// before what is to be read and who takes what was written. Valid only between two events.
class IoBuffers {
 public:
  static constexpr std::size_t kPlain = 256 * 1024;
  /// Smaller than kPlain by more than a record: one recv() and the rest of a record that came
  /// before always fit in the plaintext buffer, so one recv() is one delivery.
  static constexpr std::size_t kCipherIn = kPlain - 32 * 1024;
  static constexpr std::size_t kCipherOut = 288 * 1024;
  static constexpr std::size_t kRecord = 16 * 1024;

  /// Those of the calling thread.
  static IoBuffers& of_thread();

  IoBuffers();
  ~IoBuffers();
  IoBuffers(const IoBuffers&) = delete;
  IoBuffers& operator=(const IoBuffers&) = delete;

  char* plain() { return plain_.get(); }
  char* cipher_in() { return cipher_in_.get(); }
  char* gather() { return gather_.get(); }
  /// In sanitizer builds: who keeps a view of what was delivered is found out.
  void poison_plain();
  void unpoison_plain();

  /// What the next SSL call may read.
  void feed(std::string_view ciphertext) { in_ = ciphertext; }
  std::size_t unread() const { return in_.size(); }
  /// Takes what the SSL calls from here on write; the scratch is empty.
  void collect(CiphertextSink& sink) { sink_ = &sink; }
  std::string_view written() const { return {cipher_out_.get(), out_size_}; }
  void clear_written() { out_size_ = 0; }

  /// The BIO of this thread; the caller takes a reference for itself.
  BIO* bio() { return bio_; }

 private:
  static BIO_METHOD* make_method();
  int read(char* out, int size);
  int write(const char* bytes, int size);

  std::unique_ptr<char[]> plain_;
  std::unique_ptr<char[]> cipher_in_;
  std::unique_ptr<char[]> cipher_out_;
  std::unique_ptr<char[]> gather_;
  std::string_view in_;
  std::size_t out_size_ = 0;
  CiphertextSink* sink_ = nullptr;
  BIO* bio_;
};

}  // namespace gateway::net
