#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/random.h"
#include "gateway/kubernetes/api.h"
#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/notice.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

/// Tells the owners of objects what the translation says of them, as Events (events.k8s.io/v1).
/// Each thing is said once while it lasts, and again when an hour has passed, because the API
/// server forgets Events then. An Event's name follows from what it says, so that another leader
/// does not repeat it. At most 20 a second. One thread.
class EventWriter {
 public:
  static constexpr Duration kSpacing = std::chrono::milliseconds(50);
  static constexpr Duration kRepeat = std::chrono::minutes(58);

  struct Options {
    std::string controller;  ///< reportingController
    std::string instance;    ///< reportingInstance: this replica
    std::function<std::chrono::system_clock::time_point()> wall_clock =
        &std::chrono::system_clock::now;
  };

  /// All outlive it. `may_write` is asked before each Event.
  EventWriter(TimerWheel& timers, Random& random, Api& api, std::function<bool()> may_write,
              Options options);
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  /// Everything that is to be said now; what is missing from it may be said anew later.
  void set_notices(const std::vector<Notice>& notices);
  /// `may_write` has another answer from now on.
  void reconsider();

  /// Why the last Event could not be written; empty when it could.
  const std::string& problem() const { return problem_; }

 private:
  struct Said {
    bool done = false;
    Instant at{};  ///< of the last time, when `done`
  };

  void work();
  const Notice* next_due() const;
  void write(const Notice& notice);
  void on_written(const Notice& notice, const Result<ApiResponse>& result);

  TimerWheel& timers_;
  Random& random_;
  Api& api_;
  const std::function<bool()> may_write_;
  const Options options_;
  std::map<Notice, Said> notices_;
  std::unique_ptr<ApiCall> call_;
  Timer pace_;    ///< armed: the next may not come yet
  Timer repeat_;  ///< all has been said; something may have to be said again
  Backoff backoff_;
  std::string problem_;
};

/// An Event's JSON, and the collection that it is put into.
struct EventText {
  std::string path;
  std::string body;
};
EventText event_text(const Notice& notice, const EventWriter::Options& options);

}  // namespace gateway::kubernetes
