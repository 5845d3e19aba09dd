#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

/// Whose fault an error is; decides logs, metrics and passive health.
enum class Side : std::uint8_t { downstream, upstream, internal };

/// What went wrong. `describe()` is the one table that turns a code into an HTTP status, a log flag
/// and a metric label.
enum class ErrorCode : std::uint8_t {
  none,
  // Set-up and configuration.
  invalid_argument,
  not_found,
  permission_denied,
  address_in_use,
  io_error,
  resource_exhausted,
  // Downstream: what a client sent or did.
  bad_request,
  uri_too_long,
  header_too_large,
  body_too_large,
  method_not_implemented,
  method_not_allowed,
  transfer_coding_unsupported,
  version_not_supported,
  expectation_failed,
  misdirected,
  request_timeout,
  client_closed,
  client_stalled,
  tls_handshake_failed,
  plaintext_on_tls,
  // Routing and filters.
  no_route,
  unauthenticated,
  forbidden,
  rate_limited,
  no_verdict,
  // Upstream.
  no_endpoint,
  upstream_overflow,
  retry_budget_spent,
  connect_failed,
  connect_timeout,
  upstream_tls_failed,
  upstream_reset,
  upstream_protocol,
  upstream_header_too_large,
  per_try_timeout,
  upstream_timeout,
  upstream_idle_timeout,
  truncated_response,
  tunnel_idle,
  // Ourselves.
  draining,
  overloaded,
  canceled,
  internal,
};

/// One row of the error table.
struct ErrorDescription {
  int status;              ///< what a client sees when we answer for this error; 0: nobody is there
  std::string_view flag;   ///< short word of the access log
  std::string_view label;  ///< value of the metric label `reason`
  std::string_view text;   ///< one sentence for a local reply
};

const ErrorDescription& describe(ErrorCode code);

/// An error says what, whose, whether trying again may help, and the detail for the log (never a
/// secret, never sent to a client).
struct Error {
  ErrorCode code = ErrorCode::internal;
  Side side = Side::internal;
  bool retriable =
      false;  ///< nothing of the request can have been executed, or a retry is harmless
  std::string detail;

  Error(ErrorCode error_code, Side error_side, std::string error_detail = {},
        bool may_retry = false)
      : code(error_code), side(error_side), retriable(may_retry), detail(std::move(error_detail)) {}
  Error() = default;

  /// "connect_failed: Connection refused", for logs.
  std::string to_string() const;
};

}  // namespace gateway
