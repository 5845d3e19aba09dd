#include "gateway/base/random.h"

#include <sys/random.h>

#include <bit>

#include "gateway/base/check.h"

namespace gateway {

Random::Random(std::uint64_t seed) {
  // splitmix64 spreads any seed, zero too, over the whole state.
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    word = z ^ (z >> 31);
  }
}

Random Random::from_entropy() {
  std::uint64_t seed = 0;
  GATEWAY_CHECK(::getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return Random(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace gateway
