#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "gateway/runtime/event_loop.h"

namespace gateway {

/// Delivers process signals as events of one loop, SIGPIPE is ignored for the whole process. One
/// object per process, on the control thread.
class Signals {
 public:
  using Handler = std::function<void(int number)>;

  Signals(EventLoop& loop, const std::vector<int>& numbers, const Handler& handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Watch;
  std::vector<Watch*> watches_;
};

}  // namespace gateway
