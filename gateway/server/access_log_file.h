#pragma once

#include <vector>

#include "gateway/config/checks.h"
#include "gateway/config/model.h"

namespace gateway::server {

/// An access log that this process could not open goes to `findings`. Nothing is made or changed.
/// Control thread; blocks on files.
void check_access_log(const config::AccessLog& log, std::vector<config::Finding>& findings);

}  // namespace gateway::server
