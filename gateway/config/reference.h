#pragma once

#include <string>

#include "gateway/config/field.h"

namespace gateway::config {

/// The reference page of a configuration as Markdown, from the option tables and these policies.
std::string reference_page(const PolicyTables& tables);

}  // namespace gateway::config
