#pragma once

#include <chrono>
#include <functional>

#include "gateway/runtime/event_loop.h"

namespace gateway {

/// Turns the loop until `done`; gives up after half a minute, more than a busy machine takes.
inline bool run_until(EventLoop& loop, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.run_once(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace gateway
