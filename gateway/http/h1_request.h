#pragma once

#include <cstdint>

#include "gateway/http/h1_head.h"

namespace gateway::http {

/// Turns the lines of a complete head, which must be in `arena`, into a request that keeps what
/// RequestHead promises. Private to the HTTP/1 server codec.
Refusal read_request(const HeadReader& lines, const RequestOptions& options, Arena& arena,
                     std::uint64_t& dropped_underscores, RequestHead& head);

}  // namespace gateway::http
