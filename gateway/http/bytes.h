#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Classes of bytes, and the scans that every head passes through.
namespace gateway::http {

namespace detail {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}

inline constexpr std::array<bool, 256> kToken = make_token_table();

}  // namespace detail

/// RFC 9110 §5.6.2, tchar.
inline bool is_token_byte(char c) { return detail::kToken[static_cast<unsigned char>(c)]; }

/// 0x00-0x1F and 0x7F, horizontal tab included.
inline bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

#if defined(__SSE2__)
namespace detail {

/// One bit for each of the 16 bytes at `at` that is a control byte.
inline unsigned control_mask(const char* at) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i low = _mm_set1_epi8(0x1F);
  const __m128i is_low = _mm_cmpeq_epi8(_mm_min_epu8(block, low), block);
  const __m128i is_delete = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7F));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(is_low, is_delete)));
}

inline unsigned equal_mask(const char* at, char byte) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(byte))));
}

}  // namespace detail
#endif

/// Up to 16 bytes from `at` on, at most to `end`: one bit for each that is a control byte. What
/// lies from `readable_begin` on may be read.
inline unsigned control_bits(const char* at, const char* end, const char* readable_begin) {
#if defined(__SSE2__)
  if (end - at >= 16) [[likely]]
    return detail::control_mask(at);
  // A block that ends with the span; what it has before `at` is shifted out.
  if (end - readable_begin >= 16) return detail::control_mask(end - 16) >> (16 - (end - at));
#else
  (void)readable_begin;
#endif
  unsigned bits = 0;
  for (int i = 0; i < 16 && at + i != end; ++i) bits |= is_control(at[i]) ? 1U << i : 0U;
  return bits;
}

/// The first control byte in [at, end), or `end`.
inline const char* find_control(const char* at, const char* end) {
  const char* const begin = at;
  for (; at < end; at += 16) {
    const unsigned bits = control_bits(at, end, begin);
    if (bits != 0) return at + __builtin_ctz(bits);
  }
  return end;
}

/// The first `byte` in [at, end), or `end`. For short spans; nothing past `readable_end` is read.
inline const char* find_byte(const char* at, const char* end, const char* readable_end, char byte) {
#if defined(__SSE2__)
  for (; at < end && readable_end - at >= 16; at += 16) {
    const unsigned mask = detail::equal_mask(at, byte);
    if (mask == 0) continue;
    const char* found = at + __builtin_ctz(mask);
    return found < end ? found : end;
  }
#endif
  while (at < end && *at != byte) ++at;
  return at < end ? at : end;
}

/// `text == literal` without a call: the size is known when compiling.
template <std::size_t N>
inline bool is(std::string_view text, const char (&literal)[N]) {
  return text.size() == N - 1 && std::memcmp(text.data(), literal, N - 1) == 0;
}

}  // namespace gateway::http
