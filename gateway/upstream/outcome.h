#pragma once

#include <cstdint>
#include <optional>

#include "gateway/base/error.h"

namespace gateway::upstream {

/// What one attempt says about its endpoint.
enum class Outcome : std::uint8_t {
  success,
  failure,          ///< 5xx, reset, malformed or truncated answer, no answer in time
  connect_timeout,  ///< no connection in time: a failure of one that does not accept connections
  connect_failed,   ///< refused, unreachable, TLS failed: certain enough to eject at once
};

/// The attempt got a response head of that status.
Outcome outcome_of(int status);
/// The attempt failed; nothing when that was not the endpoint's doing (the client left, a limit).
std::optional<Outcome> outcome_of(ErrorCode code);

}  // namespace gateway::upstream
