#include "gateway/metrics/line_writer.h"

#include <algorithm>
#include <array>

namespace gateway {
namespace {

constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

// The high bit of some byte is set if any of the eight needs an escape: below space, above '~', '"'
// or
// '\\'. (Borrows can only start at a byte that is itself a hit, so "none" is exact.)
std::uint64_t needs_escape(std::uint64_t eight) {
  const std::uint64_t quote = eight ^ (kOnes * '"');
  const std::uint64_t backslash = eight ^ (kOnes * '\\');
  const std::uint64_t del = eight ^ (kOnes * 0x7f);
  return (eight | (eight - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | (del - kOnes)) &
         kHighs;
}

bool plain(unsigned char byte) {
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

// Copies `size` bytes as two words that may overlap; false, having copied rubbish, when one of them
// needs an escape. For sizes between sizeof(Word) and twice that.
template <typename Word>
bool copy_plain(char* to, const char* from, std::size_t size) {
  Word first;
  Word last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + size - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + size - sizeof last, &last, sizeof last);
  if constexpr (sizeof(Word) == 8) {
    return (needs_escape(first) | needs_escape(last)) == 0;
  } else {
    // Narrow words share one test; spaces fill what is left.
    constexpr int kBits = 8 * sizeof(Word);
    constexpr std::uint64_t kFill = sizeof(Word) == 4 ? 0 : (kOnes * 0x20) << 32;
    return needs_escape(std::uint64_t{first} | std::uint64_t{last} << kBits | kFill) == 0;
  }
}

/// One character outside ASCII: its code point, and its bytes (0: not UTF-8).
struct Character {
  unsigned point = 0;
  std::size_t bytes = 0;
};

// RFC 3629 §4: no overlong forms, no surrogates, nothing above U+10FFFF.
Character decode(const char* text, std::size_t size) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (bytes == 0 || bytes > size || first > 0xf4) return {};
  unsigned point = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    point = point << 6 | (byte & 0x3f);
  }
  constexpr std::array<unsigned, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < kLeast[bytes] || point > 0x10ffff || surrogate) return {};
  return {point, bytes};
}

// C1 controls steer some terminals, U+2028 and U+2029 break lines, the others turn text around.
bool harmless(unsigned point) {
  return point >= 0xa0 && !(point >= 0x2028 && point <= 0x202e) &&
         !(point >= 0x2066 && point <= 0x2069) && point != 0x200e && point != 0x200f;
}

// Where a text that is too long may be cut: not within a character.
std::size_t cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  std::size_t end = most;
  while (end > 0 && most - end < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return (static_cast<unsigned char>(text[end]) & 0xc0) == 0xc0 ? end : most;
}

}  // namespace

void LineWriter::number(std::uint64_t value) {
  if (value < 10) return raw(static_cast<char>('0' + value));
  if (value < 100) {
    std::memcpy(at_, &kPairs[2 * value], 2);
    at_ += 2;
    return;
  }
  char digits[32];
  char* first = digits + 20;
  while (value >= 100) {
    first -= 2;
    std::memcpy(first, &kPairs[2 * (value % 100)], 2);
    value /= 100;
  }
  first -= 2;
  std::memcpy(first, &kPairs[2 * value], 2);
  if (value < 10) ++first;
  // Eight bytes whatever the length: a copy of known size costs least.
  const auto length = static_cast<std::size_t>(digits + 20 - first);
  if (length <= 8) {
    std::memcpy(at_, first, 8);
  } else {
    std::memcpy(at_, first, length);
  }
  at_ += length;
}

void LineWriter::three_digits(unsigned value) {
  raw(static_cast<char>('0' + value / 100));
  raw(std::string_view(&kPairs[2 * (value % 100)], 2));
}

void LineWriter::escaped(std::string_view text, std::size_t most) {
  const char* from = text.data();
  std::size_t left = cut(text, most);
  while (left > 16) {
    std::uint64_t eight;
    std::memcpy(&eight, from, 8);
    if (needs_escape(eight) != 0) return escape_from(from, left);
    std::memcpy(at_, &eight, 8);
    at_ += 8;
    from += 8;
    left -= 8;
  }
  const bool copied = left >= 8   ? copy_plain<std::uint64_t>(at_, from, left)
                      : left >= 4 ? copy_plain<std::uint32_t>(at_, from, left)
                      : left >= 2 ? copy_plain<std::uint16_t>(at_, from, left)
                                  : false;
  if (!copied) return escape_from(from, left);
  at_ += left;
}

void LineWriter::code_unit(unsigned unit) {
  static constexpr char kHex[] = "0123456789abcdef";
  raw("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) raw(kHex[unit >> shift & 15]);
}

void LineWriter::escape_from(const char* text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (plain(byte)) [[likely]] {
      raw(static_cast<char>(byte));
    } else if (byte == '"' || byte == '\\') {
      raw('\\');
      raw(static_cast<char>(byte));
    } else if (const Character character = byte < 0x80 ? Character{} : decode(text + i, size - i);
               character.bytes == 0) {
      code_unit(byte);
    } else {
      if (harmless(character.point)) {
        raw(std::string_view(text + i, character.bytes));
      } else {
        code_unit(character.point);  // all of them are below U+10000
      }
      i += character.bytes - 1;
    }
  }
}

}  // namespace gateway
