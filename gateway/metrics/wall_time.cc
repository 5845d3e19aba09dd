#include "gateway/metrics/wall_time.h"

namespace gateway {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400;

void two_digits(char* at, std::int64_t value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

WallTime::Text WallTime::at(Instant instant) {
  const std::int64_t monotonic = instant.time_since_epoch().count();
  if (compared_at_ == INT64_MIN || monotonic - compared_at_ >= kSecond) compare_clocks(monotonic);
  const std::int64_t wall = monotonic + offset_;
  const std::int64_t second = wall / kSecond;
  if (second != second_) write_second(second);
  return {{text_, 19}, static_cast<unsigned>(wall % kSecond / 1'000'000)};
}

void WallTime::compare_clocks(std::int64_t monotonic) {
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  offset_ = (std::chrono::duration_cast<Duration>(wall) - steady).count();
  compared_at_ = monotonic;
}

void WallTime::write_second(std::int64_t second) {
  second_ = second;
  const std::int64_t day = second / kDay;
  const std::int64_t of_day = second % kDay;
  if (day != day_) {
    day_ = day;
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
    const int year = static_cast<int>(date.year());
    two_digits(text_, year / 100);
    two_digits(text_ + 2, year % 100);
    two_digits(text_ + 5, static_cast<unsigned>(date.month()));
    two_digits(text_ + 8, static_cast<unsigned>(date.day()));
    text_[4] = text_[7] = '-';
    text_[10] = 'T';
    text_[13] = text_[16] = ':';
  }
  two_digits(text_ + 11, of_day / 3600);
  two_digits(text_ + 14, of_day / 60 % 60);
  two_digits(text_ + 17, of_day % 60);
}

}  // namespace gateway
