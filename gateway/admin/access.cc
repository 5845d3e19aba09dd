#include "gateway/admin/access.h"

#include <algorithm>

#include "gateway/base/uri.h"

namespace gateway::admin {
namespace {

constexpr std::string_view kBearer = "bearer ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  unsigned difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const char byte = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(byte) ^ static_cast<unsigned char>(expected[i]);
  }
  return difference == 0;
}

bool is_own_host(std::string_view text, const downstream::ConnectionFacts& connection) {
  const Result<Authority> authority = parse_authority(text);
  if (!authority) return false;
  const std::string_view usual = connection.tls != nullptr && connection.tls->is_tls ? "443" : "80";
  const std::string_view port = authority->port.empty() ? usual : authority->port;
  if (port != std::to_string(connection.local.port())) return false;
  if (equal_without_case(authority->host, "localhost")) return connection.local.ip().is_loopback();
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
                   equal_without_case(origin.substr(scheme.size()), request.host);
  return own ? ErrorCode::none : ErrorCode::forbidden;
}

ErrorCode check_token(const http::RequestHead& request, std::string_view token) {
  if (token.empty()) return ErrorCode::forbidden;
  if (request.headers.count(http::HeaderId::authorization) != 1) return ErrorCode::unauthenticated;
  const std::string_view value = request.headers.value(http::HeaderId::authorization);
  if (!equal_without_case(value.substr(0, kBearer.size()), kBearer))
    return ErrorCode::unauthenticated;
  return equal_in_constant_time(value.substr(kBearer.size()), token) ? ErrorCode::none
                                                                     : ErrorCode::unauthenticated;
}

}  // namespace gateway::admin
