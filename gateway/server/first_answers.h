#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/timer.h"

namespace gateway::server {

/// Waits until each name was looked up once, with whatever result, but not for ever: a gateway
/// that says that it is ready has endpoints, and one whose name servers are down says so all the
/// same. One loop, used once.
class FirstAnswers {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(5);
  /// Gets the names that nothing was heard of.
  using Done = std::function<void(const std::vector<std::string>& missing)>;

  explicit FirstAnswers(EventLoop& loop, Duration longest = kLongest);

  /// Before the look-ups begin.
  void expect(const std::vector<std::string>& names);
  /// An answer or a failure.
  void heard(const std::string& name);
  /// Calls `done` once: now when nothing is missing, else later.
  void when_heard(Done done);

 private:
  void finish();

  EventLoop& loop_;
  const Duration longest_;
  std::set<std::string> missing_;
  Done done_;
  Timer timer_;
};

}  // namespace gateway::server
