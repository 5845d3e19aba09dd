#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/metrics/access_record.h"

namespace gateway {

enum class AccessLogFormat : std::uint8_t { json, text };

/// No line is longer: fields are cut to fit.
inline constexpr std::size_t kLongestAccessLine = 16 * 1024;

/// Writes one line, newline included, to `out` (room for kLongestAccessLine); returns its length.
/// `second` is the wall-clock time to the second ("2026-11-21T04:17:04"), `milliseconds` the rest.
std::size_t format_access_line(AccessLogFormat format, const AccessRecord& record,
                               std::string_view second, unsigned milliseconds, char* out);

}  // namespace gateway
