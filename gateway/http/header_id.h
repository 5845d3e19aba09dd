#pragma once

#include <cstdint>
#include <string_view>

namespace gateway::http {

/// Names that the gateway itself reads or writes; at most 63, for the presence mask of HeaderList.
enum class HeaderId : std::uint8_t {
  other,
  accept,
  authorization,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  keep_alive,
  location,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  referer,
  retry_after,
  server,
  set_cookie,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  via,
  www_authenticate,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
};

/// Without case; `other` for names not listed above.
HeaderId header_id(std::string_view name);
/// In the usual spelling ("Content-Length"); empty for `other`.
std::string_view name_of(HeaderId id);

}  // namespace gateway::http
