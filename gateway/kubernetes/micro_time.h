#pragma once

#include <chrono>
#include <string>

namespace gateway::kubernetes {

/// The API's MicroTime: "2026-11-20T23:35:00.000000Z".
std::string micro_time(std::chrono::system_clock::time_point at);

}  // namespace gateway::kubernetes
