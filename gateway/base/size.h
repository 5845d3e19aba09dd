#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace gateway {

/// Bytes: "512", "64KiB", "1.5MiB", "10MB". Units: B, KB, MB, GB (powers of 1000), KiB, MiB, GiB
/// (powers of 1024). Refused: a sign, an unknown unit, 2^53 bytes or more.
Result<std::uint64_t> parse_size(std::string_view text);

/// The shortest form that reads back to the same value: "0", "512", "64KiB", "10MB".
std::string format_size(std::uint64_t bytes);

}  // namespace gateway
