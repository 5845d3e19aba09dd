#include "gateway/base/error.h"

#include <array>

#include "gateway/base/check.h"

namespace gateway {
namespace {

struct Row {
  ErrorCode code;
  ErrorDescription description;
};

// In the order of ErrorCode; describe() checks it once.
constexpr std::array kTable = {
    Row{ErrorCode::none, {200, "-", "none", ""}},
    Row{ErrorCode::invalid_argument, {500, "IA", "invalid_argument", "An argument is not valid."}},
    Row{ErrorCode::not_found, {500, "NF", "not_found", "Something needed does not exist."}},
    Row{ErrorCode::permission_denied, {500, "PD", "permission_denied", "A right is missing."}},
    Row{ErrorCode::address_in_use, {500, "AU", "address_in_use", "The address is taken."}},
    Row{ErrorCode::io_error, {500, "IO", "io_error", "Reading or writing failed."}},
    Row{ErrorCode::resource_exhausted, {503, "RE", "resource_exhausted", "A resource ran out."}},
    Row{ErrorCode::bad_request, {400, "BR", "bad_request", "The request is malformed."}},
    Row{ErrorCode::uri_too_long, {414, "UL", "uri_too_long", "The request target is too long."}},
    Row{ErrorCode::header_too_large,
        {431, "HL", "header_too_large", "The header fields are too many or too large."}},
    Row{ErrorCode::body_too_large, {413, "BL", "body_too_large", "The body is too large."}},
    Row{ErrorCode::method_not_implemented,
        {501, "MI", "method_not_implemented", "The method is not known."}},
    Row{ErrorCode::method_not_allowed,
        {405, "MA", "method_not_allowed", "The method is not allowed here."}},
    Row{ErrorCode::transfer_coding_unsupported,
        {501, "TC", "transfer_coding", "The transfer coding is not supported."}},
    Row{ErrorCode::version_not_supported,
        {505, "VN", "version", "This version of HTTP is not supported."}},
    Row{ErrorCode::expectation_failed, {417, "EF", "expectation", "The expectation is not known."}},
    Row{ErrorCode::misdirected,
        {421, "MD", "misdirected", "This connection does not serve that host."}},
    Row{ErrorCode::request_timeout, {408, "RT", "request_timeout", "The request took too long."}},
    Row{ErrorCode::client_closed, {499, "CC", "client_closed", "The client went away."}},
    Row{ErrorCode::client_stalled, {0, "CS", "client_stalled", "The client stopped reading."}},
    Row{ErrorCode::tls_handshake_failed, {0, "TF", "tls_handshake", "The TLS handshake failed."}},
    Row{ErrorCode::plaintext_on_tls,
        {400, "PT", "plaintext_on_tls", "This port speaks HTTPS: use https:// in the address."}},
    Row{ErrorCode::no_route, {404, "NR", "no_route", "Nothing is served under this address."}},
    Row{ErrorCode::unauthenticated,
        {401, "UA", "unauthenticated", "A valid token is needed in the Authorization header."}},
    Row{ErrorCode::forbidden, {403, "FB", "forbidden", "Access is not allowed."}},
    Row{ErrorCode::rate_limited, {429, "RL", "rate_limited", "Too many requests: slow down."}},
    Row{ErrorCode::no_verdict,
        {503, "NV", "no_verdict", "The token could not be checked: try again."}},
    Row{ErrorCode::no_endpoint,
        {503, "NE", "no_endpoint", "No endpoint of the service is available: try again."}},
    Row{ErrorCode::upstream_overflow,
        {503, "UO", "upstream_overflow", "The service is at its limit: try again."}},
    Row{ErrorCode::retry_budget_spent,
        {503, "RB", "retry_budget", "The service is failing: try again later."}},
    Row{ErrorCode::connect_failed,
        {503, "CF", "connect_failed", "The service could not be reached: try again."}},
    Row{ErrorCode::connect_timeout,
        {504, "CT", "connect_timeout", "The service could not be reached in time."}},
    Row{ErrorCode::upstream_tls_failed,
        {502, "UT", "upstream_tls", "The service's TLS handshake failed."}},
    Row{ErrorCode::upstream_reset,
        {502, "UR", "upstream_reset", "The service closed the connection."}},
    Row{ErrorCode::upstream_protocol,
        {502, "UP", "upstream_protocol", "The service's answer is malformed."}},
    Row{ErrorCode::upstream_header_too_large,
        {502, "UH", "upstream_header_too_large", "The service's answer has too large a head."}},
    Row{ErrorCode::per_try_timeout,
        {504, "TT", "per_try_timeout", "The service did not answer in time."}},
    Row{ErrorCode::upstream_timeout,
        {504, "TO", "upstream_timeout", "The service did not answer in time."}},
    Row{ErrorCode::upstream_idle_timeout,
        {504, "TI", "upstream_idle_timeout", "The service stopped answering."}},
    Row{ErrorCode::truncated_response,
        {502, "TR", "truncated_response", "The service's answer was cut short."}},
    Row{ErrorCode::tunnel_idle, {504, "TW", "tunnel_idle", "The tunnel was silent for too long."}},
    Row{ErrorCode::draining, {503, "DR", "draining", "The gateway is shutting down: try again."}},
    Row{ErrorCode::overloaded, {503, "OL", "overloaded", "The gateway is overloaded: try again."}},
    Row{ErrorCode::canceled, {0, "CA", "canceled", "The work was called off."}},
    Row{ErrorCode::internal, {500, "IN", "internal", "The gateway failed."}},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  return true;
}
static_assert(in_order(), "kTable must follow the order of ErrorCode");
static_assert(kTable.size() == static_cast<std::size_t>(ErrorCode::internal) + 1);

}  // namespace

const ErrorDescription& describe(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  GATEWAY_CHECK(index < kTable.size());
  return kTable[index].description;
}

std::string Error::to_string() const {
  std::string text(describe(code).label);
  if (!detail.empty()) text.append(": ").append(detail);
  return text;
}

}  // namespace gateway
