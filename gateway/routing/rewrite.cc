#include "gateway/routing/rewrite.h"

#include "gateway/base/uri.h"

namespace gateway::routing {

std::string_view replace_prefix(const Match& match, std::string_view prefix, std::string_view path,
                                Arena& arena) {
  // The rest is empty or begins with '/': a prefix ends on a segment border.
  const std::string_view rest = path.substr(match.path.size());
  if (prefix.ends_with('/') && !rest.empty()) prefix.remove_suffix(1);
  if (rest.empty()) return prefix.empty() ? std::string_view("/") : prefix;
  return prefix.empty() ? rest : arena.concat(prefix, rest);
}

Result<void> rewrite(const Match& match, http::RequestHead& request, Arena& arena) {
  const Route& route = *match.route;
  if (!route.model.rewrite) return {};
  const config::Rewrite& change = *route.model.rewrite;
  if (change.prefix) {
    request.path = replace_prefix(match, *change.prefix, request.path, arena);
  } else if (change.path) {
    request.path = *change.path;
  } else if (change.regex_substitution) {
    const std::string_view path = route.substitution.apply(*match.regex, request.path, arena);
    const auto canonical = canonical_path(path, false, arena);
    if (!path.starts_with('/') || !canonical || *canonical != path) {
      return failure(ErrorCode::bad_request, Side::downstream,
                     "route '" + route.name() + "' rewrites to an impossible path");
    }
    request.path = path;
  }
  if (change.host) request.host = *change.host;
  return {};
}

}  // namespace gateway::routing
