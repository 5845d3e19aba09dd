#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gateway::http {

/// The Date field's value (RFC 9110 §5.6.7, IMF-fixdate), written once a second. Not thread-safe.
class DateText {
 public:
  /// "Sun, 06 Nov 1994 08:49:37 GMT" for seconds since 1970 in UTC. The view lives until the next
  /// call.
  std::string_view at(std::int64_t unix_seconds) {
    if (unix_seconds != second_) write(unix_seconds);
    return {text_.data(), text_.size()};
  }

 private:
  void write(std::int64_t unix_seconds);

  std::int64_t second_ = -1;
  std::array<char, 29> text_{};
};

}  // namespace gateway::http
