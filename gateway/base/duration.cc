#include "gateway/base/duration.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace gateway {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

// Largest first, for format_duration.
constexpr Unit kUnits[] = {
    {"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000},
    {"ms", 1'000'000},        {"us", 1'000},         {"ns", 1},
};
constexpr double kMost = 100.0 * 366 * 24 * 3600 * 1e9;

tl::unexpected<Error> invalid(std::string_view text) {
  return failure(ErrorCode::invalid_argument, Side::internal,
                 fmt::format("'{}' is not a duration such as 250ms, 1.5s, 2m or 1h", text));
}

bool starts_like_number(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  std::string_view rest = text;
  double total = 0;
  do {
    if (!starts_like_number(rest)) return invalid(text);
    double number = 0;
    const auto [end, ec] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (ec != std::errc()) return invalid(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789."));
    const Unit* unit = nullptr;
    for (const Unit& known : kUnits)
      if (known.name == name) unit = &known;
    if (unit == nullptr) return invalid(text);
    rest.remove_prefix(name.size());
    total += number * static_cast<double>(unit->nanoseconds);
  } while (!rest.empty());
  if (!(total <= kMost)) return invalid(text);
  return Duration(std::llround(total));
}

std::string format_duration(Duration duration) {
  if (duration == Duration(0)) return "0s";
  for (const Unit& unit : kUnits)
    if (duration.count() % unit.nanoseconds == 0)
      return fmt::format("{}{}", duration.count() / unit.nanoseconds, unit.name);
  return fmt::format("{}ns", duration.count());
}

}  // namespace gateway
