#pragma once

#include <string_view>

#include "gateway/base/error.h"
#include "gateway/downstream/handler.h"
#include "gateway/http/bearer.h"

namespace gateway::admin {

/// Whether a request may be answered at all: `none`, `misdirected` or `forbidden`.
///
/// Host must be the address that the client connected to, or `localhost` on a loopback address: a
/// page of some other site that makes its own name resolve to us (DNS rebinding) is told off. A
/// client without Host (HTTP/1.0) is no browser. Origin, where a browser sends it, must be that
/// same host; there is no CORS, so other sites cannot read answers either.
ErrorCode check_origin(const http::RequestHead& request,
                       const downstream::ConnectionFacts& connection);

/// Whether a request may change something.
using http::check_token;

}  // namespace gateway::admin
