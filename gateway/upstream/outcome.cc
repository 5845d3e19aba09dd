#include "gateway/upstream/outcome.h"

namespace gateway::upstream {

Outcome outcome_of(int status) { return status >= 500 ? Outcome::failure : Outcome::success; }

std::optional<Outcome> outcome_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::connect_failed:
    case ErrorCode::upstream_tls_failed: return Outcome::connect_failed;
    case ErrorCode::connect_timeout: return Outcome::connect_timeout;
    case ErrorCode::upstream_reset:
    case ErrorCode::upstream_protocol:
    case ErrorCode::upstream_header_too_large:
    case ErrorCode::per_try_timeout:
    case ErrorCode::upstream_timeout:
    case ErrorCode::upstream_idle_timeout:
    case ErrorCode::truncated_response: return Outcome::failure;
    default: return std::nullopt;
  }
}

}  // namespace gateway::upstream
