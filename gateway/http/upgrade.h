#pragma once

#include <string_view>

#include "gateway/http/message.h"

/// Changing over to another protocol on an HTTP/1.1 connection (RFC 9110 §7.8). The gateway knows
/// one for which it makes a tunnel, WebSocket (RFC 6455 §4).
namespace gateway::http {

/// The protocol that a request asks for and that may be forwarded; empty when there is none.
/// Nothing but a GET of HTTP/1.1 without a body asks for one, by both Connection and Upgrade. To be
/// called before hop-by-hop fields are stripped.
std::string_view asked_upgrade(const RequestHead& request);

/// Whether a 101 takes up `protocol` and no other, as RFC 6455 §4.1 wants clients to check.
bool takes_up(const HeaderList& headers, std::string_view protocol);

}  // namespace gateway::http
