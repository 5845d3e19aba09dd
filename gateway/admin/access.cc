#include "gateway/admin/access.h"

#include "gateway/base/uri.h"
#include "gateway/http/fields.h"

namespace gateway::admin {
namespace {

bool is_own_host(std::string_view text, const downstream::ConnectionFacts& connection) {
  const Result<Authority> authority = parse_authority(text);
  if (!authority) return false;
  const std::string_view usual = connection.tls != nullptr && connection.tls->is_tls ? "443" : "80";
  const std::string_view port = authority->port.empty() ? usual : authority->port;
  if (port != std::to_string(connection.local.port())) return false;
  if (http::equals_ignoring_case(authority->host, "localhost"))
    return connection.local.ip().is_loopback();
  const Result<IpAddress> ip = IpAddress::parse(authority->host);
  return ip && *ip == connection.local.ip();
}

}  // namespace

ErrorCode check_origin(const http::RequestHead& request,
                       const downstream::ConnectionFacts& connection) {
  if (!request.host.empty() && !is_own_host(request.host, connection))
    return ErrorCode::misdirected;
  if (!request.headers.has(http::HeaderId::origin)) return ErrorCode::none;
  const bool tls = connection.tls != nullptr && connection.tls->is_tls;
  const std::string_view scheme = tls ? "https://" : "http://";
  const std::string_view origin = request.headers.value(http::HeaderId::origin);
  const bool own = request.headers.count(http::HeaderId::origin) == 1 &&
                   origin.starts_with(scheme) &&
                   http::equals_ignoring_case(origin.substr(scheme.size()), request.host);
  return own ? ErrorCode::none : ErrorCode::forbidden;
}

}  // namespace gateway::admin
