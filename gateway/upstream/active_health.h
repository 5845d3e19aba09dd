#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/callback.h"
#include "gateway/base/random.h"
#include "gateway/config/model.h"
#include "gateway/runtime/timer.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream {

/// One probe on its way, or answered: kept until the endpoint's next one. Destroying it gives it
/// up; it does not answer then. That may happen from inside its answer.
class Probe {
 public:
  virtual ~Probe() = default;
};

/// Sends probes: GET on a connection of its own, so that the check sees what a new connection sees.
class Prober {
 public:
  /// `done(true)` when a 2xx or 3xx came within `settings.timeout`, else `done(false)`; never from
  /// inside this call. The upstream's name leads to its TLS settings.
  virtual std::unique_ptr<Probe> probe(const Endpoint& endpoint,
                                       const config::ActiveHealth& settings,
                                       Callback<bool> done) = 0;

 protected:
  ~Prober() = default;
};

/// Probes the endpoints of those upstreams that ask for it, once per process, and keeps
/// `Endpoint::healthy`. Control thread only.
///
/// A probe starts `interval` after the last one ended, give or take a tenth, so that many gateways
/// do not probe in step; the first ones are spread over one interval, a second at most. An
/// unhealthy endpoint is probed at least each kEager: recovery within a second must not depend on a
/// long interval.
class ActiveHealth {
 public:
  static constexpr Duration kEager = std::chrono::milliseconds(400);
  /// An endpoint's health changed; it is already in the endpoint.
  using Changed = std::function<void(const Endpoint&, bool healthy)>;

  ActiveHealth(TimerWheel& timers, Random& random, Prober& prober);
  ~ActiveHealth();
  ActiveHealth(const ActiveHealth&) = delete;
  ActiveHealth& operator=(const ActiveHealth&) = delete;
  void on_change(Changed changed) { changed_ = std::move(changed); }

  /// A new configuration. Upstreams that no longer ask are left alone, their endpoints called
  /// healthy.
  void configure(const config::SharedList<config::Upstream>& upstreams);
  /// A new set of an upstream. Endpoints that stay keep their state.
  void update(const EndpointSetPtr& set);

 private:
  class Check;
  struct Group {
    config::ActiveHealth settings;
    std::map<const Endpoint*, std::unique_ptr<Check>> checks;
  };
  void start_checks(Group& group, const EndpointSetPtr& set);

  TimerWheel& timers_;
  Random& random_;
  Prober& prober_;
  Changed changed_;
  std::map<std::string, Group, std::less<>> groups_;
  std::map<std::string, EndpointSetPtr, std::less<>> sets_;
};

}  // namespace gateway::upstream
