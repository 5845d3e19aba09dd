#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "gateway/base/clock.h"
#include "gateway/base/random.h"
#include "gateway/config/model.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/endpoint_set.h"
#include "gateway/upstream/outcome.h"

namespace gateway::upstream {

/// The part of an upstream's configuration that picking depends on.
struct PickSettings {
  config::PolicySettings balancer;
  config::PassiveHealth passive;
  Duration slow_start{};

  static PickSettings of(const config::Upstream& upstream) {
    return {upstream.balancer, upstream.passive_health, upstream.slow_start};
  }
  bool operator==(const PickSettings&) const = default;
};

/// An endpoint to try. Good until the next `update`; take an EndpointUse to keep it longer.
struct Choice {
  std::uint32_t index = 0;  ///< in the current set
  Endpoint* endpoint = nullptr;
  bool trial = false;  ///< the endpoint is ejected and this request shall find out whether it works
};

/// Chooses endpoints for one upstream on one worker: what the balancer says, minus what does not
/// work. Learns from the outcomes that it is told (passive health), and shares what it learned with
/// the other workers through the endpoints. No locks, no allocation but in `update`. Rules:
///  * An endpoint that active checks call unhealthy gets nothing.
///  * An ejected endpoint gets one trial request per trial interval and process, and only from a
///    call that has not been tried yet, so that its retries are left. One success takes it back.
///  * When no endpoint is available, ejection is ignored for those that still accept connections
///    (panic): better slow and wrong answers than none. Where none accepts, nothing is picked: the
///    answer is a quick 503.
///  * An endpoint that came (back) gets a share of its turns that grows over the slow start.
class Picker {
 public:
  /// `random` outlives the picker.
  Picker(PickSettings settings, Random& random);

  /// Called when the worker gets a set or settings; what is in flight goes on.
  void update(EndpointSetPtr set);
  void configure(const PickSettings& settings);
  /// Null before the first update.
  const EndpointSetPtr& set() const { return set_; }

  std::optional<std::uint64_t> hash_of(const http::RequestHead& request,
                                       const IpAddress& client) const {
    return balancer_ ? balancer_->hash_of(request, client) : std::nullopt;
  }

  /// See Balancer; asked before the answer's head goes out. Empty: nothing is to be set.
  std::string_view cookie_for(const http::RequestHead& request, const Endpoint& endpoint,
                              Arena& arena) const {
    return sets_cookie_ ? balancer_->cookie_for(request, endpoint, arena) : std::string_view();
  }

  /// Nothing: no endpoint is available now.
  std::optional<Choice> pick(const PickContext& context, Instant now);

  /// How an attempt that started then ended. True when it ejected the endpoint. Outcomes of
  /// requests older than the endpoint's last ejection or recovery are ignored: they describe the
  /// past.
  bool report(Endpoint& endpoint, Outcome outcome, Instant started, Instant now);

 private:
  bool ejected(const Endpoint& endpoint, Instant now) const {
    return settings_.passive.enabled && endpoint.ejected(now);
  }
  bool warm(const Endpoint& endpoint, Instant now);
  bool try_trial(Endpoint& endpoint, const PickContext& context, Instant now) const;
  std::optional<Choice> choose(const PickContext& context, Instant now);
  std::optional<Choice> search(const PickContext& context, Instant now);
  bool may_eject(Instant now) const;
  bool report_failure(Endpoint& endpoint, Outcome outcome, Instant now);
  Choice at(std::uint32_t index, bool trial = false) const {
    return {index, set_->entries[index].endpoint.get(), trial};
  }

  PickSettings settings_;
  Random& random_;
  EndpointSetPtr set_;
  std::unique_ptr<Balancer> balancer_;
  bool sets_cookie_ = false;
};

}  // namespace gateway::upstream
