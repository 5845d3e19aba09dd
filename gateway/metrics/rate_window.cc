#include "gateway/metrics/rate_window.h"

#include <algorithm>
#include <cmath>

namespace gateway {
namespace {

constexpr int kShortest = 5;
constexpr std::uint64_t kEnoughArrivals = 400;
constexpr int kBurstWindows[] = {5, 10, 20};
constexpr double kBurstSigmas = 3.5;
constexpr double kBurstRequests = 8;

std::uint64_t arrivals_within(const RateHistory& history, int seconds) {
  std::uint64_t sum = 0;
  for (int age = 0; age < seconds; ++age) sum += history[static_cast<std::size_t>(age)];
  return sum;
}

RequestRate adaptive(const RateHistory& history, int known) {
  int window = std::min(kShortest, known);
  std::uint64_t arrivals = arrivals_within(history, window);
  while (window < known && arrivals < kEnoughArrivals)
    arrivals += history[static_cast<std::size_t>(window++)];
  return {static_cast<double>(arrivals) / window, window};
}

}  // namespace

RequestRate request_rate(const RateHistory& history, int known) {
  known = std::min(known, static_cast<int>(history.size()));
  if (known <= 0) return {};
  const RequestRate steady = adaptive(history, known);
  for (const int window : kBurstWindows) {
    if (window >= steady.window) break;
    const auto arrivals = static_cast<double>(arrivals_within(history, window));
    const double excess = arrivals - steady.per_second * window;
    if (excess > kBurstSigmas * std::sqrt(steady.per_second * window) && excess >= kBurstRequests)
      return {arrivals / window, window};
  }
  return steady;
}

}  // namespace gateway
