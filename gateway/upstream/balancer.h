#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/random.h"
#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/http/message.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream {

/// What a choice may depend on.
struct PickContext {
  /// From `Picker::hash_of`; nothing: any endpoint is as good.
  std::optional<std::uint64_t> hash = std::nullopt;
  /// Endpoints on which this call was tried already: avoided while there are others.
  std::span<const Endpoint* const> tried = {};
};

/// Decides which endpoint comes next, and knows nothing of health: the Picker asks again when a
/// choice is of no use. One instance per worker and endpoint set, built anew for each set (values
/// in, value out); not thread-safe. `pick` never allocates.
class Balancer {
 public:
  virtual ~Balancer() = default;

  /// Index in the set that it was built from. `round` counts the choices within one pick, from 0:
  /// a balancer that is bound to a hash gives another answer for each.
  virtual std::uint32_t pick(const PickContext& context, std::uint32_t round) = 0;

  /// What requests that must meet the same endpoint have in common; nothing when it does not care.
  virtual std::optional<std::uint64_t> hash_of(const http::RequestHead& /*request*/,
                                               const IpAddress& /*client*/) const {
    return std::nullopt;
  }

  /// A Set-Cookie, in `arena`, by which the client's next request finds `endpoint`, which has
  /// answered this one; empty when it does already. Only rows that say `sets_cookie` are asked.
  virtual std::string_view cookie_for(const http::RequestHead& /*request*/,
                                      const Endpoint& /*endpoint*/, Arena& /*arena*/) const {
    return {};
  }
};

/// One row of the table in balancer.cc. A balancer is one file that defines its row: its
/// configuration and how it is made. `make` gets validated options with defaults filled, and a set
/// that is not empty; `random` outlives the balancer (the worker's own).
struct BalancerRow {
  config::Policy policy;
  std::unique_ptr<Balancer> (*make)(const config::Value& options, const EndpointSet& set,
                                    Random& random);
  bool sets_cookie = false;
};

/// All balancers, the default first.
std::span<const BalancerRow* const> balancers();
/// Null when there is none of that type.
const BalancerRow* find_balancer(std::string_view type);
/// The same as the configuration reader wants them.
std::span<const config::Policy> balancer_policies();

}  // namespace gateway::upstream
