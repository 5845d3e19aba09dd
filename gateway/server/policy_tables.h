#pragma once

#include "gateway/config/field.h"

namespace gateway::server {

/// Every filter and balancer there is, as the configuration reader wants them.
config::PolicyTables policy_tables();

}  // namespace gateway::server
