#include "gateway/routing/route.h"

#include <algorithm>
#include <optional>

#include "gateway/base/uri.h"
#include "gateway/http/fields.h"

namespace gateway::routing {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return result;
}

std::optional<http::Method> method_of(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(http::Method::patch); ++i) {
    const auto method = static_cast<http::Method>(i);
    if (http::to_string(method) == text) return method;
  }
  return std::nullopt;
}

/// Compiles one route; the first problem stops it.
class Compiler {
 public:
  Compiler(Route& route, RegexCache& regexes) : route_(route), regexes_(regexes) {}

  Result<void> run() {
    add_hosts();
    const std::vector<config::Match> all = {config::Match{}};
    const auto& rows = route_.model.matches.empty() ? all : route_.model.matches;
    // Rows never move again: tables point at them.
    route_.matches.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (auto done = add_match(rows[i], route_.matches[i]); !done) return done;
    }
    route_.split = Split(route_.model.forward);
    return add_rewrite();
  }

 private:
  void add_hosts() {
    std::vector<std::string> hosts;
    for (const std::string& host : route_.model.hosts) {
      std::string name = lower(host);
      if (name.ends_with('.')) name.pop_back();
      if (std::find(hosts.begin(), hosts.end(), name) == hosts.end())
        hosts.push_back(std::move(name));
    }
    if (hosts != route_.model.hosts) route_.canonical = std::move(hosts);
  }

  Result<void> add_match(const config::Match& from, Match& match) {
    match.route = &route_;
    match.kind = from.path_kind;
    if (!from.methods.empty()) match.methods = 0;
    for (const std::string& name : from.methods) {
      const auto method = method_of(name);
      if (!method) return invalid_argument("method '" + name + "' is unknown");
      match.methods = static_cast<std::uint16_t>(match.methods | Match::bit(*method));
    }
    if (auto done = add_path(from, match); !done) return done;
    for (const config::ValueMatch& value : from.headers) {
      if (auto done = add_condition(value, match.headers); !done) return done;
      match.headers.back().id = http::header_id(value.name);
    }
    for (const config::ValueMatch& value : from.query) {
      if (auto done = add_condition(value, match.query); !done) return done;
    }
    return {};
  }

  Result<void> add_path(const config::Match& from, Match& match) {
    if (from.path_kind == config::PathMatch::regex) {
      auto regex = regexes_.compile(from.path);
      if (!regex) return tl::make_unexpected(regex.error());
      match.regex = *regex;
      match.path = literal_prefix(from.path);
      return {};
    }
    if (!from.path.starts_with('/'))
      return invalid_argument("path '" + from.path + "' has no '/' first");
    Arena arena;
    // Requests come in canonical form, so a path that is none would never be met.
    const auto canonical = canonical_path(from.path, false, arena);
    if (!canonical)
      return invalid_argument("path '" + from.path + "' is none that a request can have");
    match.path = *canonical;
    if (from.path_kind == config::PathMatch::prefix && match.path.ends_with('/')) {
      match.path.pop_back();
    }
    return {};
  }

  Result<void> add_condition(const config::ValueMatch& from, std::vector<Condition>& to) {
    Condition condition;
    condition.name = from.name;
    condition.value = from.value;
    if (from.present) condition.kind = Condition::Kind::present;
    if (from.regex) {
      auto regex = regexes_.compile(from.value);
      if (!regex) return tl::make_unexpected(regex.error());
      condition.kind = Condition::Kind::regex;
      condition.regex = *regex;
    }
    to.push_back(std::move(condition));
    return {};
  }

  Result<void> add_rewrite() {
    const auto& redirect = route_.model.redirect;
    if (redirect && redirect->prefix && has_regex()) {
      return invalid_argument("redirect.prefix needs a path that is no regex");
    }
    if (!route_.model.rewrite) return {};
    const config::Rewrite& rewrite = *route_.model.rewrite;
    if (rewrite.prefix && has_regex()) {
      return invalid_argument("rewrite.prefix needs a path that is no regex");
    }
    if (!rewrite.regex_substitution) return {};
    auto parsed = Substitution::parse(*rewrite.regex_substitution);
    if (!parsed) return tl::make_unexpected(parsed.error());
    route_.substitution = std::move(*parsed);
    for (const Match& match : route_.matches) {
      if (match.regex == nullptr) {
        return invalid_argument("rewrite.regex_substitution needs a regex as path");
      }
      if (match.regex->NumberOfCapturingGroups() < route_.substitution.max_group()) {
        return invalid_argument("rewrite.regex_substitution names a group that '" +
                                match.regex->pattern() + "' has not");
      }
    }
    return {};
  }

  bool has_regex() const {
    return std::any_of(route_.matches.begin(), route_.matches.end(),
                       [](const Match& match) { return match.regex != nullptr; });
  }

  Route& route_;
  RegexCache& regexes_;
};

}  // namespace

Result<std::shared_ptr<const Route>> compile_route(std::shared_ptr<const config::Route> model,
                                                   std::uint32_t index, RegexCache& regexes) {
  auto route = std::make_shared<Route>(std::move(model));
  route->index = index;
  if (auto done = Compiler(*route, regexes).run(); !done) {
    return invalid_argument("route '" + route->name() + "': " + done.error().detail);
  }
  return route;
}

}  // namespace gateway::routing
