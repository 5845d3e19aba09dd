#pragma once

#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/http/message.h"
#include "gateway/routing/route.h"

namespace gateway::routing {

/// Puts the path and host of the winning match's route into `request`; new text lives in `arena`. A
/// regex substitution whose outcome is no canonical path (a client's text may bring "..") is
/// refused with bad_request and changes nothing: what was authorised is what is forwarded.
Result<void> rewrite(const Match& match, http::RequestHead& request, Arena& arena);

/// Path with the matched prefix replaced: `/foo/bar` under `/foo` → `/xyz` gives `/xyz/bar`. An
/// exact match is replaced as a whole.
std::string_view replace_prefix(const Match& match, std::string_view prefix, std::string_view path,
                                Arena& arena);

}  // namespace gateway::routing
