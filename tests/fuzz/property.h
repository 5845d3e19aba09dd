#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// What a fuzzer claims must hold for every input; a broken claim ends the run with both sides
/// shown.
namespace gateway::fuzz {

inline void expect(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", claim);
  std::abort();
}

inline void expect_same(std::string_view a, std::string_view b, const char* claim) {
  if (a == b) return;
  std::fprintf(stderr, "broken: %s\n--- one\n%.*s\n--- other\n%.*s\n", claim,
               static_cast<int>(a.size()), a.data(), static_cast<int>(b.size()), b.data());
  std::abort();
}

/// Splits an input: its first bytes decide how the rest is cut.
class Cuts {
 public:
  explicit Cuts(std::uint8_t seed) : state_(seed * 2654435761U + 1U) {}

  /// Calls `take` with the pieces of `bytes`.
  template <typename Take>
  void feed(std::string_view bytes, Take take) {
    while (!bytes.empty()) {
      state_ = state_ * 1664525U + 1013904223U;
      const std::size_t size = (state_ >> 24) % 4 == 0 ? 1 : (state_ >> 16) % 40 + 1;
      take(bytes.substr(0, size));
      bytes.remove_prefix(std::min(size, bytes.size()));
    }
  }

 private:
  std::uint32_t state_;
};

}  // namespace gateway::fuzz
