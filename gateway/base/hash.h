#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway {

/// Folds the 128-bit product: every input bit reaches every output bit. A table that clients fill
/// needs a secret seed; one filled from configuration does not.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd1b54a32d192ed03);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Lower-cases the ASCII letters of eight bytes at once; other bytes pass.
inline std::uint64_t fold_word(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t low = word & (kOnes * 0x7f);
  const std::uint64_t from_a = low + kOnes * (0x80 - 'A');
  const std::uint64_t above_z = low + kOnes * (0x80 - 'Z' - 1);
  const std::uint64_t upper = from_a & ~above_z & ~word & (kOnes * 0x80);
  return word | (upper >> 2);
}

inline std::uint64_t load_word(const char* from, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, size < 8 ? size : 8);
  return word;
}

inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t hash = seed ^ text.size();
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) hash = mix(hash, load_word(at, 8));
  return left == 0 ? hash : mix(hash, load_word(at, left));
}

/// As hash_bytes, equal for names that differ in case only.
inline std::uint64_t hash_folded(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t hash = seed ^ text.size();
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) hash = mix(hash, fold_word(load_word(at, 8)));
  return left == 0 ? hash : mix(hash, fold_word(load_word(at, left)));
}

}  // namespace gateway
