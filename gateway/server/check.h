#pragma once

#include <string>

#include "gateway/config/environment.h"
#include "gateway/config/loader.h"

namespace gateway::server {

/// What --check has to say.
struct Checked {
  int status = 0;        ///< 1 when anything is wrong
  std::string ok;        ///< one line with counts, for standard output
  std::string problems;  ///< for standard error; empty when all is well
};

/// Loads a configuration, opens what it names and compiles it as a start would, without binding,
/// resolving or sending anything. `kubernetes`: a cluster adds to it.
Checked check_configuration(const std::string& file, const config::Environment& environment,
                            bool colour, bool kubernetes = false);

}  // namespace gateway::server
