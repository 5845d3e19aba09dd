#pragma once

#include <string>
#include <string_view>

namespace gateway::apps {

/// SHA-256 as 64 lower-case hexadecimal digits: what the database holds instead of a token.
std::string token_digest(std::string_view token);

}  // namespace gateway::apps
