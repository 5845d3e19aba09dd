#pragma once

#include <string>

#include "gateway/config/field.h"

namespace gateway::config {

/// The JSON Schema (draft 2020-12) of a configuration, from the option tables and these policies:
/// for editors. It knows forms and bounds; what names what is for the reader alone.
std::string json_schema(const PolicyTables& tables);

}  // namespace gateway::config
