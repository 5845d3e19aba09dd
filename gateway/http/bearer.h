#pragma once

#include <string_view>

#include "gateway/base/error.h"
#include "gateway/http/message.h"

namespace gateway::http {

/// Whether a request shows the bearer token (RFC 6750 §2.1): `none`, `unauthenticated`, or
/// `forbidden` when no token is configured. The comparison takes the same time wherever the tokens
/// differ.
ErrorCode check_token(const RequestHead& request, std::string_view token);

}  // namespace gateway::http
