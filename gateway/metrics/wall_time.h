#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/base/clock.h"

namespace gateway {

/// Turns instants of the monotonic clock into UTC text. The clocks are compared once a second and
/// the text of the last second is kept, so most calls are a subtraction and a comparison. One
/// thread.
class WallTime {
 public:
  struct Text {
    std::string_view second;  ///< "2026-11-21T04:17:04", valid until the next call
    unsigned milliseconds;
  };
  Text at(Instant instant);

 private:
  void compare_clocks(std::int64_t monotonic);
  void write_second(std::int64_t second);

  std::int64_t offset_ = 0;               // nanoseconds from the monotonic to the wall clock
  std::int64_t compared_at_ = INT64_MIN;  // monotonic
  std::int64_t second_ = INT64_MIN;       // since 1970, of text_
  std::int64_t day_ = INT64_MIN;
  char text_[20] = {};
};

}  // namespace gateway
