#pragma once

#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/http/message.h"
#include "gateway/routing/route.h"

namespace gateway::routing {

/// Value of Location for a route with a redirect; lives in `arena`. What the configuration leaves
/// open stays as it was: scheme (https where `tls`), host, path and always the query; the port too,
/// unless the scheme or host changes, which means that scheme's own. A default port is left out.
/// Refused with bad_request: no host to name, or a byte that could end the field (RFC 9110 §5.5).
Result<std::string_view> redirect_location(const Match& match, const http::RequestHead& request,
                                           bool tls, Arena& arena);

/// Likewise for a route that is `https_only`: the same place, over https.
Result<std::string_view> https_location(const Match& match, const http::RequestHead& request,
                                        Arena& arena);

}  // namespace gateway::routing
