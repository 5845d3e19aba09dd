#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gateway/admin/admin_source.h"

/// The JSON answers that list what is configured.
namespace gateway::admin {

/// The configuration in use, as the reader's own tree. Options that are declared secret are masked;
/// other secrets are references (files, variables) in it.
std::string config_json(AdminSource& source);
std::string routes_json(AdminSource& source);
std::string upstreams_json(AdminSource& source);

/// One line; bytes that are no UTF-8 are replaced instead of refused.
std::string dump(const nlohmann::ordered_json& json);

}  // namespace gateway::admin
