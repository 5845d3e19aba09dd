#pragma once

#include <string>

#include "gateway/config/value.h"

namespace gateway::server {

/// As one would write it in the configuration: "250ms", "{size: 1MiB}". Unset members are left out.
/// Nothing is hidden: whoever prints options masks them first (config::masked()).
std::string text_of(const config::Value& value);

}  // namespace gateway::server
