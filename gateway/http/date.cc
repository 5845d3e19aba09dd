#include "gateway/http/date.h"

#include <chrono>
#include <cstring>

namespace gateway::http {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

void two_digits(char* at, std::int64_t number) {
  at[0] = static_cast<char>('0' + number / 10);
  at[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

void DateText::write(std::int64_t unix_seconds) {
  using namespace std::chrono;
  second_ = unix_seconds;
  const sys_seconds now{seconds(unix_seconds)};
  const auto day = floor<days>(now);
  const year_month_day date{day};
  const std::int64_t in_day = (now - day).count();
  const int year = static_cast<int>(date.year());

  char* at = text_.data();
  std::memcpy(at, "Xxx, 00 Xxx 0000 00:00:00 GMT", text_.size());
  std::memcpy(at, kDays.data() + 3 * weekday{day}.c_encoding(), 3);
  two_digits(at + 5, static_cast<unsigned>(date.day()));
  std::memcpy(at + 8, kMonths.data() + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  two_digits(at + 12, year / 100);
  two_digits(at + 14, year % 100);
  two_digits(at + 17, in_day / 3600);
  two_digits(at + 20, in_day / 60 % 60);
  two_digits(at + 23, in_day % 60);
}

}  // namespace gateway::http
