#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/model.h"

namespace gateway::server {

/// What the gateway would do with a request, for a person: listener, route and why it wins over the
/// others, filters, upstream, endpoints and limits. Sends nothing, reads no secret. `request` is
/// "POST https://host:port/path?query" (GET when the method is left out), `headers` are "name:
/// value" lines. Fails with the sentence to print when the request cannot be one, or nothing
/// listens for it.
Result<std::string> explain(const config::Model& model, std::string_view request,
                            const std::vector<std::string>& headers);

}  // namespace gateway::server
