#pragma once

#include "gateway/base/address.h"
#include "gateway/base/result.h"

namespace gateway::server {

/// GET /healthz of a process of this host, without TLS, as a container's health check asks its own:
/// nothing else needs to be in the image. `address` is where that process listens; any address
/// means loopback. An answer other than 200, or none within two seconds, is an error. Blocks.
Result<void> ask_health(const SocketAddress& address);

}  // namespace gateway::server
