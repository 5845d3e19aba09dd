#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "gateway/base/random.h"
#include "gateway/kubernetes/api.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

struct LeaseOptions {
  std::string namespace_name;
  std::string name;
  std::string identity;  ///< of this process alone: the pod's name and something random
  Duration duration = std::chrono::seconds(15);  ///< others wait so long after the last renewal
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry = std::chrono::seconds(2);
  /// For the times written into the Lease, which nobody judges by.
  std::function<std::chrono::system_clock::time_point()> wall_clock =
      &std::chrono::system_clock::now;
};

/// Elects one leader among replicas by a Lease (coordination.k8s.io/v1), as client-go does: writes
/// carry the version they know, so that of two writers one fails (409: lost). Whether somebody else
/// still leads is judged by when we saw the Lease change, on our own monotonic clock, never by the
/// times in it. One thread; `timers`, `random`, `clock` and `api` outlive it.
class Lease {
 public:
  /// `on_change(leader)` comes when is_leader() changes, from the loop; it must not destroy the
  /// lease. `clock` is asked anew each time (SteadyClock): a loop's time stands still within a
  /// turn, and a process may be stopped there.
  Lease(TimerWheel& timers, Random& random, const Clock& clock, Api& api, LeaseOptions options,
        std::function<void(bool leader)> on_change);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  void start();
  /// Leads no more from here on, and says so in the Lease, so that another need not wait; then
  /// `done`, also when that failed, and from within when there is nothing to say. A renewal that is
  /// under way is waited for: what it leaves behind is released. `done` may destroy the lease. The
  /// end of elections; once.
  void release(std::function<void()> done);

  /// False as soon as the renew deadline has passed, also for a process that was stopped meanwhile
  /// and has not run a timer yet: ask before each write that only the leader may make.
  bool is_leader() const;
  /// As last seen; empty: nobody, or not known.
  const std::string& holder() const { return holder_; }
  /// Why the Lease could not be read or written last; empty when it could.
  const std::string& problem() const { return problem_; }

 private:
  void tick();
  void read();
  void on_read(const Result<ApiResponse>& result);
  void write(const std::string& holder, Duration duration);
  void on_written(const Result<ApiResponse>& result, Instant sent_at);
  void send(ApiRequest request, std::function<void(const Result<ApiResponse>&)> answered);
  bool observe(const std::string& body);
  bool may_take() const;
  void set_leader(bool leader);
  void on_deadline();
  bool releasing() const { return static_cast<bool>(on_released_); }
  void release_if_ours(bool seen);
  std::string path() const;

  TimerWheel& timers_;
  Random& random_;
  const Clock& clock_;
  Api& api_;
  const LeaseOptions options_;
  const std::function<void(bool)> on_change_;
  std::function<void()> on_released_;
  std::unique_ptr<ApiCall> call_;
  Timer retry_;
  Timer deadline_;
  std::unique_ptr<nlohmann::json> lease_;  ///< as last read or written; null: there is none
  std::string record_;                     ///< its spec as text: another one is a sign of life
  std::string holder_;
  std::string problem_;
  Duration holders_duration_{};
  Instant observed_at_{};       ///< when `record_` was first seen
  Instant renewed_at_{};        ///< when the last write that succeeded was sent
  bool version_known_ = false;  ///< `lease_` is what the server has, as far as we know
  bool leader_ = false;
  bool writing_ = false;  ///< `call_` is a write
  bool release_sent_ = false;
};

}  // namespace gateway::kubernetes
