#pragma once

#include <string_view>

namespace gateway::server {

/// Tells the service manager about our state (sd_notify(3)): "READY=1", "RELOADING=1",
/// "STOPPING=1". Does nothing when there is none. One datagram; needs no library.
void notify_service_manager(std::string_view state);

}  // namespace gateway::server
