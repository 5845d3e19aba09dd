#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/routing/route_table.h"

namespace gateway::routing {

/// Why a request goes where it goes, for a person. Views live as long as the table.
struct Explanation {
  struct RunnerUp {
    const Match* match;
    std::string reason;  ///< the rule that decided against it
  };

  std::string_view host;  ///< pattern of the host whose routes were asked; empty: none has any
  const Match* winner = nullptr;
  std::vector<RunnerUp> runners_up;  ///< would match too, in order of precedence
  std::vector<RunnerUp> missed;      ///< path fits, something else does not
};

/// Asks every route of the listener in turn; slow, allocates.
Explanation explain(const RouteTable& table, std::size_t listener,
                    const http::RequestHead& request);

/// "a longer prefix", for the rule by which one match goes before another.
std::string_view describe(Rule rule);
/// "prefix /jobs, methods GET POST, header x-tenant": what a match asks for.
std::string describe(const Match& match);

}  // namespace gateway::routing
