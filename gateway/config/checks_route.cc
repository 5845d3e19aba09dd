#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <unordered_map>

#include "gateway/base/arena.h"
#include "gateway/base/uri.h"
#include "gateway/config/checks.h"

namespace gateway::config {
namespace {

std::string_view path_key(PathMatch kind) {
  switch (kind) {
    case PathMatch::exact: return "path";
    case PathMatch::prefix: return "path_prefix";
    case PathMatch::regex: return "path_regex";
  }
  return {};
}

bool serves(const Route& route, const Listener& listener) {
  return route.listeners.empty() || std::find(route.listeners.begin(), route.listeners.end(),
                                              listener.name) != route.listeners.end();
}

// Whether all listeners of the route make one slash of several.
bool merges_slashes(const Model& model, const Route& route) {
  return std::none_of(model.listeners.begin(), model.listeners.end(), [&](const Listener& each) {
    return !each.http.merge_slashes && serves(route, each);
  });
}

// Requests are matched by their canonical path: another can never be met.
void check_path(const Match& match, bool merge_slashes, const std::string& at,
                const Report& report) {
  if (match.path_kind == PathMatch::regex || match.path.empty()) return;
  const std::string path = fmt::format("{}.{}", at, path_key(match.path_kind));
  if (match.path.find_first_of("?#") != std::string::npos) {
    report({path, "a path ends before '?' and '#'", "the query under query:", match.path});
    return;
  }
  Arena arena;
  const auto canonical = canonical_path(match.path, merge_slashes, arena);
  if (!canonical)
    report({path,
            fmt::format("no request has this path: {}", canonical.error().detail),
            {},
            match.path});
  else if (*canonical != match.path)
    report({path, "never met: requests are matched by their canonical path",
            std::string(*canonical), match.path});
}

void check_rewrite(const Route& route, const std::string& at, const Report& report) {
  const Rewrite& rewrite = *route.rewrite;
  const std::string path = at + ".rewrite";
  if (route.forward.empty())
    report({path, "changes what is forwarded, but this route does not forward"});
  if (rewrite.host && rewrite.host->front() == '*')
    report({path + ".host", "a host to send cannot be a wildcard"});
  for (const Match& match : route.matches) {
    if (rewrite.prefix && match.path_kind == PathMatch::regex)
      return report({path + ".prefix", "there is no prefix to replace in a match by path_regex",
                     "path or regex_substitution"});
    if (!rewrite.regex_substitution) continue;
    if (match.path_kind != PathMatch::regex)
      return report(
          {path + ".regex_substitution", "needs a match by path_regex", "path or prefix"});
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 regex(match.path, options);
    std::string why;
    if (regex.ok() && !regex.CheckRewriteString(*rewrite.regex_substitution, &why))
      return report({path + ".regex_substitution", "names a group that path_regex does not have",
                     fmt::format("\\0 to \\{}", regex.NumberOfCapturingGroups()),
                     *rewrite.regex_substitution});
  }
  if (rewrite.regex_substitution && route.matches.empty())
    report({path + ".regex_substitution", "needs a match by path_regex", "path or prefix"});
}

bool has_port(const Listener& listener, std::uint16_t port) {
  return std::any_of(listener.addresses.begin(), listener.addresses.end(),
                     [&](const SocketAddress& address) { return address.port() == port; });
}

// A redirect that leads back to this route, as far as that is plain to see.
void check_redirect(const Model& model, const Route& route, const std::string& at,
                    const Report& report) {
  const Redirect& redirect = *route.redirect;
  if (!redirect.host.empty() && redirect.host.front() == '*')
    report({at + ".redirect.host", "a host to send clients to cannot be a wildcard"});
  const bool same_path = !redirect.path && !redirect.prefix;
  const bool same_host =
      redirect.host.empty() || (route.hosts.size() == 1 && route.hosts[0] == redirect.host);
  if (!same_path || !same_host) return;
  for (const Listener& listener : model.listeners) {
    if (listener.name.empty() || !serves(route, listener)) continue;
    const bool same_scheme =
        redirect.scheme.empty() || (redirect.scheme == "https") == listener.tls.has_value();
    if (!same_scheme || (redirect.port && !has_port(listener, *redirect.port))) continue;
    report({at + ".redirect",
            fmt::format("sends clients of listener {} back to where they are", listener.name),
            "another scheme, host, port or path; or listeners: those that it is for"});
    return;
  }
}

// Nobody could ever come over https, or be said to.
void check_https_only(const Model& model, const Route& route, const std::string& at,
                      const Report& report) {
  for (const Listener& listener : model.listeners)
    if (listener.tls || (!listener.trusted_proxies.empty() && serves(route, listener))) return;
  report({at + ".https_only", "there is no listener with TLS: clients would be sent round for ever",
          "a listener with tls, or trusted_proxies of the listener behind one that ends it"});
}

void check_forward(const Route& route, const std::string& at, const Report& report) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < route.forward.size(); ++i) {
    sum += route.forward[i].weight;
    for (std::size_t j = 0; j < i && i < 64; ++j)
      if (!route.forward[i].upstream.empty() &&
          route.forward[i].upstream == route.forward[j].upstream)
        report({fmt::format("{}.forward[{}].upstream", at, i), "the same upstream twice",
                "each upstream once, with a weight", route.forward[i].upstream});
  }
  if (!route.forward.empty() && sum == 0)
    report({at + ".forward", "all weights are 0: nothing would be forwarded"});
}

void check_answers(const Route& route, const std::string& at, const Report& report) {
  if (!route.forward.empty()) return;
  if (route.timeout) report({at + ".timeout", "this route does not forward: nothing to wait for"});
  if (route.idle_timeout)
    report({at + ".idle_timeout", "this route does not forward: nothing to wait for"});
  const bool bodiless =
      route.respond && (route.respond->status == 204 || route.respond->status == 304);
  if (bodiless && !route.respond->body.empty())
    report({at + ".respond.body", fmt::format("status {} has no body", route.respond->status)});
}

void append(std::string& key, std::string_view part) {
  key += fmt::format("{}:{}", part.size(), part);
}

// Equal for matches that no request can tell apart.
std::string match_key(const Match& match) {
  std::string key = fmt::format("{}", static_cast<int>(match.path_kind));
  append(key, match.path);
  auto methods = match.methods;
  std::sort(methods.begin(), methods.end());
  for (const std::string& method : methods) append(key, method);
  for (const auto* values : {&match.headers, &match.query}) {
    std::vector<std::string> parts;
    for (const ValueMatch& value : *values) {
      std::string& part = parts.emplace_back(fmt::format("{}{}", value.regex, value.present));
      append(part, value.name);
      append(part, value.value);
    }
    std::sort(parts.begin(), parts.end());
    key += '/';
    for (const std::string& part : parts) key += part;
  }
  return key;
}

/// Finds routes that can never be reached because an earlier one says the same.
class Twins {
 public:
  explicit Twins(const Report& report) : report_(report) {}

  void add(const Route& route, std::size_t index) {
    // A route that could not be read is not known to match everything.
    if (route.name.empty()) return;
    static const std::vector<Match> every{Match{}};
    const auto& matches = route.matches.empty() ? every : route.matches;
    auto listeners = route.listeners;
    std::sort(listeners.begin(), listeners.end());
    std::string where;
    for (const std::string& listener : listeners) append(where, listener);
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const std::string key = where + '|' + match_key(matches[i]);
      if (route.hosts.empty()) add_one(key, index, i);
      for (const std::string& host : route.hosts) add_one(host + '|' + key, index, i);
    }
  }

 private:
  void add_one(const std::string& key, std::size_t index, std::size_t match) {
    const auto [known, fresh] = first_.emplace(key, index);
    if (fresh || known->second == index) return;
    report_({fmt::format("routes[{}].matches[{}]", index, match),
             fmt::format("never reached: routes[{}] matches the same requests", known->second)});
  }

  const Report& report_;
  std::unordered_map<std::string, std::size_t> first_;
};

}  // namespace

void check_routes(const Model& model, const Report& report) {
  Twins twins(report);
  for (std::size_t i = 0; i < model.routes.size(); ++i) {
    const Route& route = model.routes[i];
    const std::string at = fmt::format("routes[{}]", i);
    const bool merge_slashes = merges_slashes(model, route);
    for (std::size_t j = 0; j < route.matches.size(); ++j)
      check_path(route.matches[j], merge_slashes, fmt::format("{}.matches[{}]", at, j), report);
    if (route.rewrite) check_rewrite(route, at, report);
    if (route.redirect) check_redirect(model, route, at, report);
    if (route.https_only) check_https_only(model, route, at, report);
    check_forward(route, at, report);
    check_answers(route, at, report);
    twins.add(route, i);
  }
}

}  // namespace gateway::config
