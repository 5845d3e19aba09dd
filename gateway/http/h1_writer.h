#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "gateway/base/buffer.h"
#include "gateway/http/message.h"

/// Writing heads, shared by both HTTP/1 codecs. Private to them.
namespace gateway::http {

/// A span of a Buffer that a head is written into; nothing is written before commit(). The one who
/// writes has counted the room before: see `fields_size`.
class HeadWriter {
 public:
  HeadWriter(Buffer& out, std::size_t room);

  void put(std::string_view text) {
    copy(text.data(), text.size());
    at_ += text.size();
  }
  /// Texts of a size known when compiling become a few stores.
  template <std::size_t N>
  void put(const char (&text)[N]) {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void put_number(std::uint64_t number);
  /// The line Content-Length.
  void put_length(std::uint64_t length) {
    put("Content-Length: ");
    put_number(length);
    put("\r\n");
  }

  /// Writes the fields whose id is not in the mask `skip`. False when a name or value would split
  /// the message: the head must not be sent then.
  bool put_fields(const HeaderList& headers, std::uint64_t skip);

  void commit();

 private:
  // Most texts are short: overlapping stores cost less than a call.
  void copy(const char* from, std::size_t size) {
    if (size > 32) {
      std::memcpy(at_, from, size);
    } else if (size >= 16) {
      std::memcpy(at_, from, 16);
      std::memcpy(at_ + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
      std::memcpy(at_, from, 8);
      std::memcpy(at_ + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(at_, from, 4);
      std::memcpy(at_ + size - 4, from + size - 4, 4);
    } else {
      for (std::size_t i = 0; i < size; ++i) at_[i] = from[i];
    }
  }

  Buffer& out_;
  std::unique_ptr<char[]> large_;  ///< a head that no chunk of a Buffer can hold in one piece
  char* begin_;
  char* at_;
};

/// Upper bound of what put_fields writes.
std::size_t fields_size(const HeaderList& headers);

/// True when `text` may stand in a request line: it comes from a request line that was read, or
/// holds neither space nor control byte.
bool is_safe_target(std::string_view vouched, std::string_view text);

/// Around `size` bytes of a chunked body (RFC 9112 §7.1), and after them all.
void write_chunk_prefix(std::size_t size, Buffer& out);
void write_chunk_suffix(std::size_t size, Buffer& out);
/// Trailers that would split the message or that may not be trailers are left out.
void write_chunked_end(const HeaderList* trailers, Buffer& out);

/// The fields that a serializer never copies: hop-by-hop and framing.
extern const std::uint64_t kRewrittenFields;

}  // namespace gateway::http
