#pragma once

#include <string>
#include <vector>

#include "gateway/kubernetes/host_plan.h"

namespace gateway::kubernetes {

/// Decides what clients of a host must show, and writes it to every location: TLS asks for a
/// certificate before it knows a path, so a host has one set of authorities, that of the oldest
/// Ingress that names one. A newer one never weakens it, and its own paths answer 503 where it
/// wants others. While the oldest one's cannot be had, all paths answer 503; so they do where it is
/// refused for what it says of them. `ingresses`: those that name the host, the oldest first.
/// Canaries have no say.
void settle_client_certificates(const std::string& host, const std::vector<PreparedPtr>& ingresses,
                                HostPlan& plan, Notices& notices);

}  // namespace gateway::kubernetes
