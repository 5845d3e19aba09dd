#include "gateway/kubernetes/micro_time.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gateway::kubernetes {

std::string micro_time(std::chrono::system_clock::time_point at) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(micros / 1'000'000),
                     micros % 1'000'000);
}

}  // namespace gateway::kubernetes
