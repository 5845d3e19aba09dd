#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/config/model.h"

namespace gateway::net {

/// A new P-256 key and a certificate for `name` that nobody vouches for, valid from an hour ago for
/// ten years: what a TLS listener shows where it has no certificate to show. For set-up code.
Result<config::PemPair> self_signed(const std::string& name);

}  // namespace gateway::net
