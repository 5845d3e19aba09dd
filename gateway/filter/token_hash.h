#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gateway::filter {

/// SHA-256 of a token: what verdicts are kept under, so that no table or dump holds a token.
using TokenHash = std::array<std::uint8_t, 32>;

TokenHash hash_token(std::string_view token);

/// In constant time: how many leading bytes agree cannot be measured.
bool equal_in_constant_time(const TokenHash& a, const TokenHash& b);

}  // namespace gateway::filter
