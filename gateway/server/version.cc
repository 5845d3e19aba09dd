#include "gateway/server/version.h"

#include <fmt/format.h>

#include "gateway/server/version_text.inc"

namespace gateway::server {

constinit const std::string_view kVersion = GATEWAY_VERSION;
constinit const std::string_view kCommit = GATEWAY_COMMIT;

std::string version_line(std::string_view program) {
  if (kCommit.empty()) return fmt::format("{} {}", program, kVersion);
  return fmt::format("{} {} ({})", program, kVersion, kCommit);
}

}  // namespace gateway::server
