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

}  // namespace

void LineWriter::number(std::uint64_t value) {
  char digits[20];
  char* first = digits + sizeof digits;
  while (value >= 100) {
    first -= 2;
    std::memcpy(first, &kPairs[2 * (value % 100)], 2);
    value /= 100;
  }
  if (value >= 10) {
    first -= 2;
    std::memcpy(first, &kPairs[2 * value], 2);
  } else {
    *--first = static_cast<char>('0' + value);
  }
  raw(std::string_view(first, static_cast<std::size_t>(digits + sizeof digits - first)));
}

void LineWriter::three_digits(unsigned value) {
  raw(static_cast<char>('0' + value / 100));
  raw(std::string_view(&kPairs[2 * (value % 100)], 2));
}

void LineWriter::escaped(std::string_view text, std::size_t most) {
  const std::size_t size = std::min(text.size(), most);
  std::size_t done = 0;
  for (; done + 8 <= size; done += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + done, 8);
    if (needs_escape(eight) != 0) break;
    std::memcpy(at_, &eight, 8);
    at_ += 8;
  }
  escape_from(text.data() + done, size - done);
}

void LineWriter::escape_from(const char* text, std::size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (plain(byte)) [[likely]] {
      raw(static_cast<char>(byte));
    } else if (byte == '"' || byte == '\\') {
      raw('\\');
      raw(static_cast<char>(byte));
    } else {
      raw("\\u00");
      raw(kHex[byte >> 4]);
      raw(kHex[byte & 15]);
    }
  }
}

}  // namespace gateway
