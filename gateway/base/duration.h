#pragma once

#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace gateway {

/// "250ms", "1.5s", "2m", "1h30m"; a bare 0 needs no unit. Units: ns, us, ms, s, m, h. Refused: a
/// sign, a number without unit, more than 100 years.
Result<Duration> parse_duration(std::string_view text);

/// The shortest form that reads back to the same value: "0s", "250ms", "90s", "1h".
std::string format_duration(Duration duration);

}  // namespace gateway
