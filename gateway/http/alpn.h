#pragma once

#include <string_view>

namespace gateway::http {

/// What a TLS listener offers to speak, in its order of preference (RFC 7301 §3.2). Static:
/// contexts keep views of it.
inline constexpr std::string_view kAlpn[] = {"http/1.1"};

}  // namespace gateway::http
