#include "gateway/routing/explanation.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/config/masked.h"

namespace gateway::routing {
namespace {

std::string method_names(std::uint16_t methods) {
  std::string names;
  for (int i = 0; i <= static_cast<int>(http::Method::patch); ++i) {
    const auto method = static_cast<http::Method>(i);
    if ((methods & Match::bit(method)) != 0) names += " " + std::string(http::to_string(method));
  }
  return names;
}

std::string text_of(const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::present: return condition.name;
    // The value may be what lets somebody in, and come from the environment.
    case Condition::Kind::equal: return fmt::format("{}={}", condition.name, config::kMask);
    case Condition::Kind::regex: return fmt::format("{}~{}", condition.name, config::kMask);
  }
  return {};
}

/// Empty when the match fits; else the first thing that does not.
std::string misfit(const http::RequestHead& request, const Match& match) {
  if ((match.methods & Match::bit(request.method)) == 0) {
    return "its methods are" + method_names(match.methods);
  }
  for (const Condition& condition : match.headers) {
    if (!header_meets(request.headers, condition)) return "it needs header " + text_of(condition);
  }
  for (const Condition& condition : match.query) {
    if (!query_meets(request.query, condition)) return "it needs parameter " + text_of(condition);
  }
  return {};
}

void add_less_specific_hosts(const HostMap& hosts, const HostTable& chosen,
                             const http::RequestHead& request, Explanation& result) {
  const HostKey key(request.host);
  for (const auto& table : hosts.tables()) {
    const bool wildcard =
        table->pattern.starts_with("*.") && table->pattern.substr(1) == key.parent();
    if (table.get() == &chosen || (table->pattern != "*" && !wildcard)) continue;
    for (const Match* match : table->matches) {
      if (!path_fits(request.path, *match) || !misfit(request, *match).empty()) continue;
      result.runners_up.push_back(
          {match, fmt::format("its host {} is less specific than {} (there is no fall-back)",
                              table->pattern, chosen.pattern)});
    }
  }
}

}  // namespace

std::string_view describe(Rule rule) {
  switch (rule) {
    case Rule::path_kind: return "an exact path goes before a regex, a regex before a prefix";
    case Rule::path_length: return "the longer path goes first";
    case Rule::method: return "a match by method goes before one without";
    case Rule::headers: return "more header matches go first";
    case Rule::query: return "more query matches go first";
    case Rule::order: return "all else being equal, the earlier in the configuration goes first";
  }
  return {};
}

std::string describe(const Match& match) {
  std::string text;
  switch (match.kind) {
    case config::PathMatch::exact: text = "exact path " + match.path; break;
    case config::PathMatch::prefix:
      text = "prefix " + (match.path.empty() ? "/" : match.path);
      break;
    case config::PathMatch::regex: text = "regex " + match.regex->pattern(); break;
  }
  if (match.methods != Match::kAllMethods) text += ", methods" + method_names(match.methods);
  for (const Condition& condition : match.headers) text += ", header " + text_of(condition);
  for (const Condition& condition : match.query) text += ", parameter " + text_of(condition);
  return text;
}

Explanation explain(const RouteTable& table, std::size_t listener,
                    const http::RequestHead& request) {
  Explanation result;
  const HostMap& hosts = table.hosts(listener);
  const HostTable* host = hosts.find(request.host);
  if (host == nullptr) return result;
  result.host = host->pattern;
  std::vector<const Match*> fitting;
  for (const Match* match : host->matches) {
    if (!path_fits(request.path, *match)) continue;
    const std::string reason = misfit(request, *match);
    if (reason.empty()) {
      fitting.push_back(match);
    } else {
      result.missed.push_back({match, reason});
    }
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const Match* a, const Match* b) { return compare(*a, *b).sign < 0; });
  if (!fitting.empty()) result.winner = fitting.front();
  for (std::size_t i = 1; i < fitting.size(); ++i) {
    const Rule rule = compare(*result.winner, *fitting[i]).rule;
    result.runners_up.push_back({fitting[i], std::string(describe(rule))});
  }
  add_less_specific_hosts(hosts, *host, request, result);
  return result;
}

}  // namespace gateway::routing
