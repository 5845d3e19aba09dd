#pragma once

#include "gateway/base/result.h"
#include "gateway/config/model.h"

namespace gateway::server {

/// A certificate that nobody has reason to believe, shown for hosts that have none: better than a
/// handshake that fails without a word. Made anew by each process, in memory.
Result<config::PemPair> make_default_certificate();

}  // namespace gateway::server
