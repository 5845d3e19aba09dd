#pragma once

#include <string_view>

namespace gateway::server {

/// "0.1.0+1a2b3c4d5e6f": the project's version (top CMakeLists.txt) and the commit it was built
/// from, "-dirty" with changes on top; without the commit where there is no repository.
extern const std::string_view kVersion;

}  // namespace gateway::server
