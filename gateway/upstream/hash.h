#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream {

/// Spreads every bit over all (the finaliser of splitmix64). The same on every machine and in every
/// version: replicas must agree.
constexpr std::uint64_t mix_hash(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// FNV-1a, mixed. Not for secrets and not against attackers: whoever chooses the key chooses the
/// endpoint anyway.
constexpr std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mix_hash(hash);
}

/// The value of one cookie in a Cookie field (RFC 6265 §4.2.1), or empty.
std::string_view cookie_value(std::string_view field, std::string_view name);

/// The look-up table of Maglev hashing: each slot holds an index of the set, as often as its weight
/// asks. Its size does not depend on the set, or a change of the set would move every key. At most
/// 65,536 endpoints.
std::vector<std::uint16_t> maglev_table(const EndpointSet& set);

}  // namespace gateway::upstream
