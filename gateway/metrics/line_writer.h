#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway {

/// Appends to memory that is known to be large enough, with eight bytes to spare: no bounds, no
/// allocation, no locale.
class LineWriter {
 public:
  explicit LineWriter(char* at) : at_(at) {}
  char* at() const { return at_; }

  void raw(char byte) { *at_++ = byte; }
  void raw(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void number(std::uint64_t value);
  /// Exactly three digits, for milliseconds.
  void three_digits(unsigned value);
  /// Bytes of others, at most `most` of them, fit for the inside of a JSON string: quotes and
  /// backslashes escaped, control characters (C1 too), line separators and changes of direction as
  /// \uXXXX, bytes that are no UTF-8 (RFC 3629) as \u00XX. Nobody can forge a line or colour a
  /// terminal (CVE-2024-45808). Takes at most six times `most` bytes.
  void escaped(std::string_view text, std::size_t most);

 private:
  void escape_from(const char* text, std::size_t size);
  void code_unit(unsigned unit);
  char* at_;
};

}  // namespace gateway
