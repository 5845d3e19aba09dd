#pragma once

#include <cstdint>

#include "gateway/http/h1_head.h"

namespace gateway::http {

/// Reads method, target and version; the line must live as long as `arena`.
Refusal read_request_line(std::string_view line, const RequestOptions& options, Arena& arena,
                          RequestHead& head);

/// When line and fields are in `head`: host, framing, persistence, expectation. Afterwards the head
/// keeps what RequestHead promises.
Refusal settle_request(Arena& arena, RequestHead& head);

}  // namespace gateway::http
