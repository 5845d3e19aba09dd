#include "gateway/server/version.h"

#include "gateway/server/version_text.inc"

namespace gateway::server {

constinit const std::string_view kVersion = GATEWAY_VERSION;

}  // namespace gateway::server
