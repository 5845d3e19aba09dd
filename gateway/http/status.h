#pragma once

#include <string_view>

namespace gateway::http {

/// The registered reason phrase of a status (RFC 9110 §15); empty for others.
std::string_view reason_phrase(int status);

}  // namespace gateway::http
