#pragma once

#include <string_view>

namespace gateway::server {

#ifdef GATEWAY_VERSION
inline constexpr std::string_view kVersion = GATEWAY_VERSION;
#else
inline constexpr std::string_view kVersion = "0.1.0";
#endif

}  // namespace gateway::server
