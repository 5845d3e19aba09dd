#include "gateway/base/size.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace gateway {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};

// Larger ones first within each family, binary before decimal, for format_size.
constexpr SizeUnit kSizeUnits[] = {
    {"GiB", 1ULL << 30},
    {"MiB", 1ULL << 20},
    {"KiB", 1ULL << 10},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"KB", 1'000},
    {"B", 1},
    {"", 1},
};
// Doubles are exact below.
constexpr double kMostBytes = 9007199254740992.0;

tl::unexpected<Error> not_a_size(std::string_view text) {
  return failure(ErrorCode::invalid_argument, Side::internal,
                 fmt::format("'{}' is not a size such as 512, 64KiB or 10MB", text));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return not_a_size(text);
  double number = 0;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (ec != std::errc()) return not_a_size(text);
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.name != name) continue;
    const double bytes = number * static_cast<double>(unit.bytes);
    if (!(bytes < kMostBytes)) return not_a_size(text);
    return static_cast<std::uint64_t>(std::llround(bytes));
  }
  return not_a_size(text);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  for (const SizeUnit& unit : kSizeUnits)
    if (unit.bytes > 1 && bytes % unit.bytes == 0)
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  return fmt::format("{}", bytes);
}

}  // namespace gateway
