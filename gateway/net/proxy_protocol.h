#pragma once

#include <optional>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/result.h"

namespace gateway::net {

/// What a PROXY protocol header says (haproxy's proxy-protocol.txt, versions 1 and 2).
struct ProxyHeader {
  std::size_t length = 0;  ///< bytes of the header
  bool local = false;      ///< LOCAL or UNKNOWN: the sender speaks for itself, addresses are unset
  SocketAddress source;
  SocketAddress destination;
};

/// The longest header that is accepted: version 2 with room for its extensions.
inline constexpr std::size_t kMaxProxyHeader = 4096;

/// Reads a header at the beginning of `bytes`. Nothing: more bytes are needed. An error: it is
/// none, or malformed; the connection must be closed. Pure.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace gateway::net
