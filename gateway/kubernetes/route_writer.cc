#include "gateway/kubernetes/route_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace gateway::kubernetes {
namespace {

using config::PathMatch;
using config::Route;

constexpr std::string_view kChallenge = "/.well-known/acme-challenge";

bool is_challenge(const PathPattern& pattern) {
  return pattern.kind != PathMatch::regex && pattern.path.starts_with(kChallenge) &&
         (pattern.path.size() == kChallenge.size() || pattern.path[kChallenge.size()] == '/');
}

std::string_view mark_of(PathMatch kind) {
  switch (kind) {
    case PathMatch::exact: return "=";
    case PathMatch::regex: return "~";
    case PathMatch::prefix: return "";
  }
  return {};
}

config::Match match_of(const PathPattern& pattern) {
  config::Match match;
  match.path_kind = pattern.kind;
  match.path = pattern.path;
  return match;
}

// What stands for a part of a name in a pattern, whatever is in it.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '_' && c != '-') out += '\\';
    out += c;
  }
  return out;
}

config::ValueMatch cookie_match(const std::string& name, std::string_view value) {
  return {"Cookie", fmt::format("(?:.*; ?)?{}={}(?: ?;.*)?", quoted(name), value), true, false};
}

config::FixedAnswer unavailable() {
  return {503, "This path cannot be served as it is configured.\n", "text/plain; charset=utf-8"};
}

}  // namespace

struct RouteWriter::Draft {
  std::string name;
  std::vector<std::string> hosts;
  const PreparedIngress* owner;
  const std::vector<config::PolicySettings>* filters;  ///< null: none
  PathPattern pattern;
  RouteOrigin origin;
  bool hsts = false;      ///< of TLS listeners
  bool redirect = false;  ///< plain listeners lead to https
  bool challenge = false;
};

RouteWriter::RouteWriter(const TranslatorSettings& settings, UpstreamBook& book, Notices& notices,
                         Translation& translation)
    : settings_(settings), book_(book), notices_(notices), translation_(translation) {
  listeners_ = settings.plain_listeners;
  listeners_.insert(listeners_.end(), settings.tls_listeners.begin(), settings.tls_listeners.end());
}

void RouteWriter::write(const std::string& host, const HostPlan& plan) {
  for (const Location& location : plan.locations) write_location(host, plan, location);
  write_redirects(host, plan);
}

tl::expected<std::string, std::string> RouteWriter::upstream_for(const PreparedIngress& ingress,
                                                                 const Backend& backend,
                                                                 const UpstreamSettings& settings) {
  if (!backend.resource.empty()) {
    notices_.add(ingress.meta(), Severity::warning, kBackendMissing,
                 fmt::format("{}: only Services can be backends", backend.resource), true);
    return tl::make_unexpected("resource");
  }
  auto name = book_.use({{ingress.meta().namespace_, backend.service}, backend.port}, settings);
  if (name) return *name;
  notices_.add(ingress.meta(), Severity::warning, name.error().reason, name.error().message, true);
  return tl::make_unexpected(std::string(name.error().reason));
}

const std::vector<config::PolicySettings>* RouteWriter::filters_of(const PreparedIngress& ingress) {
  const auto [known, fresh] = filters_.try_emplace(&ingress);
  if (!fresh) return known->second ? &*known->second : nullptr;
  const IngressPlan& plan = ingress.plan();
  std::vector<config::PolicySettings> filters = plan.filters;
  for (const AskedService& asked : plan.asked) {
    auto name = asked.private_ ? book_.use_private(asked.service, asked.settings)
                               : book_.use(asked.service, asked.settings);
    if (!name) {
      notices_.add(ingress.meta(), Severity::warning, kAuthUnusable,
                   fmt::format("{}: {}; the paths answer 503", asked.filter, name.error().message),
                   true);
      return nullptr;
    }
    for (config::PolicySettings& filter : filters) {
      if (filter.type != asked.filter) continue;
      auto options = filter.options.as<config::Value::Map>();
      options.insert_or_assign("upstream", *name);
      filter.options = std::move(options);
    }
  }
  known->second = std::move(filters);
  return &*known->second;
}

void RouteWriter::write_location(const std::string& host, const HostPlan& plan,
                                 const Location& location) {
  const PreparedIngress& owner = *location.owner;
  Draft draft{fmt::format("{}:{}{}{}", owner.meta().object_name().to_string(),
                          host.empty() ? "*" : host, mark_of(location.pattern.kind),
                          location.pattern.written.empty() ? "/" : location.pattern.written),
              {},
              &owner,
              nullptr,
              location.pattern,
              {owner.meta().object_name(), {}}};
  if (!host.empty()) {
    draft.hosts.push_back(host);
    draft.hosts.insert(draft.hosts.end(), plan.aliases.begin(), plan.aliases.end());
  }
  const IngressPlan& asks = owner.plan();
  draft.challenge = is_challenge(location.pattern);
  draft.hsts = plan.tls && !asks.hsts.empty();
  draft.redirect = !draft.challenge && !settings_.tls_listeners.empty() &&
                   !settings_.plain_listeners.empty() && !owner.refused &&
                   ((plan.tls && asks.ssl_redirect) || asks.force_ssl_redirect);
  Route route;
  if (!owner.refused && asks.unusable.empty()) draft.filters = filters_of(owner);
  if (draft.filters == nullptr) {
    route.respond = unavailable();
    emit(draft, "", std::move(route));
  } else if (asks.redirect) {
    route.redirect = asks.redirect;
    emit(draft, "", std::move(route));
  } else {
    write_forward(draft, location);
  }
}

void RouteWriter::write_forward(Draft& draft, const Location& location) {
  const PreparedIngress& owner = *location.owner;
  auto upstream = upstream_for(owner, location.backend, owner.plan().upstream);
  if (!upstream) {
    draft.filters = nullptr;
    Route route;
    route.respond = unavailable();
    return emit(draft, "", std::move(route));
  }
  draft.origin.service = {owner.meta().namespace_, location.backend.service};
  Route route;
  route.forward.push_back({*upstream, 1});
  if (location.canary != nullptr) {
    const Canary& canary = *location.canary->plan().canary;
    // Everything but the backend is inherited.
    auto other = upstream_for(*location.canary, location.canary_backend, owner.plan().upstream);
    if (other && *other != *upstream) {
      write_canary(draft, location);
      if (canary.weight > 0)
        route.forward = {{*upstream, canary.weight_total - canary.weight}, {*other, canary.weight}};
    }
  }
  emit(draft, "", std::move(route));
}

void RouteWriter::add_canary_match(Draft& draft, std::string_view mark, config::ValueMatch match,
                                   const std::string& upstream) {
  Route route;
  config::Match& made = route.matches.emplace_back(match_of(draft.pattern));
  made.headers.push_back(std::move(match));
  route.forward.push_back({upstream, 1});
  emit(draft, mark, std::move(route));
}

// The header goes before the cookie, the cookie before the weight. Routes with a condition go
// before those without, and among themselves in this order.
void RouteWriter::write_canary(Draft& draft, const Location& location) {
  const Canary& canary = *location.canary->plan().canary;
  const UpstreamSettings& settings = location.owner->plan().upstream;
  const auto main = upstream_for(*location.owner, location.backend, settings);
  const auto other = upstream_for(*location.canary, location.canary_backend, settings);
  if (!main || !other) return;
  if (!canary.header.empty()) {
    if (!canary.header_value.empty()) {
      add_canary_match(draft, "#canary", {canary.header, canary.header_value, false, false},
                       *other);
    } else if (!canary.header_pattern.empty()) {
      add_canary_match(
          draft, "#canary",
          {canary.header, fmt::format(".*(?:{}).*", canary.header_pattern), true, false}, *other);
    } else {
      add_canary_match(draft, "#canary", {canary.header, "always", false, false}, *other);
      add_canary_match(draft, "#never", {canary.header, "never", false, false}, *main);
    }
  }
  if (canary.cookie.empty()) return;
  add_canary_match(draft, "#canary-cookie", cookie_match(canary.cookie, "always"), *other);
  add_canary_match(draft, "#never-cookie", cookie_match(canary.cookie, "never"), *main);
}

// Completes a route and writes it: once for all listeners where it is the same on all, else once
// for the plain ones and once for those with TLS.
void RouteWriter::emit(Draft& draft, std::string_view mark, Route route) {
  const IngressPlan& plan = draft.owner->plan();
  route.name = draft.name + std::string(mark);
  route.hosts = draft.hosts;
  route.listeners = listeners_;
  if (route.matches.empty()) route.matches.push_back(match_of(draft.pattern));
  if (!route.forward.empty()) {
    route.timeout = plan.read_timeout;
    route.idle_timeout = plan.read_timeout;
    route.rewrite = draft.pattern.rewrite;
    if (!plan.upstream_host.empty()) {
      if (!route.rewrite) route.rewrite.emplace();
      route.rewrite->host = plan.upstream_host;
    }
  }
  if (draft.filters != nullptr) {
    route.filters = *draft.filters;
    if (plan.global_policies && !draft.challenge)
      route.filters.insert(route.filters.begin(), settings_.global_filters.begin(),
                           settings_.global_filters.end());
  }
  const auto finish = [&](Route made, bool tls) {
    std::map<std::string, std::string> answers = plan.response_headers;
    if (tls && draft.hsts) answers["Strict-Transport-Security"] = plan.hsts;
    if (draft.filters != nullptr)
      if (auto edits = header_edits(plan.request_headers, answers))
        made.filters.push_back(std::move(*edits));
    translation_.origins.emplace(made.name, draft.origin);
    translation_.routes.push_back(std::move(made));
  };
  if (listeners_.empty() || settings_.tls_listeners.empty()) return finish(std::move(route), false);
  const bool differ = draft.redirect || (draft.hsts && !settings_.plain_listeners.empty());
  if (!differ) return finish(std::move(route), true);
  Route plain = route;
  plain.listeners = settings_.plain_listeners;
  plain.name += draft.redirect ? "#redirect" : "#plain";
  if (draft.redirect) {
    plain.forward.clear();
    plain.respond.reset();
    plain.rewrite.reset();
    plain.timeout.reset();
    plain.idle_timeout.reset();
    plain.filters.clear();
    plain.redirect.emplace().scheme = "https";
    // To the same place whatever the request says: its conditions are asked there.
    if (mark.empty()) {
      translation_.origins.emplace(plain.name, RouteOrigin{draft.origin.ingress, {}});
      translation_.routes.push_back(std::move(plain));
    }
  } else {
    finish(std::move(plain), false);
  }
  route.listeners = settings_.tls_listeners;
  finish(std::move(route), true);
}

void RouteWriter::write_redirects(const std::string& host, const HostPlan& plan) {
  if (plan.app_root != nullptr) {
    const bool claimed =
        std::any_of(plan.locations.begin(), plan.locations.end(), [](const Location& location) {
          return location.pattern.kind == PathMatch::exact && location.pattern.path == "/";
        });
    Draft draft{fmt::format("{}:{}#app-root", plan.app_root->meta().object_name().to_string(),
                            host.empty() ? "*" : host),
                {},
                plan.app_root,
                nullptr,
                {PathMatch::exact, "/", "/", {}},
                {plan.app_root->meta().object_name(), {}}};
    if (!host.empty()) draft.hosts.push_back(host);
    Route route;
    config::Redirect& redirect = route.redirect.emplace();
    redirect.path = plan.app_root->plan().app_root;
    redirect.status = 302;
    if (!claimed) emit(draft, "", std::move(route));
  }
  if (plan.www_redirect == nullptr || host.empty() || host.starts_with('*')) return;
  const std::string other = host.starts_with("www.") ? host.substr(4) : "www." + host;
  Draft draft{fmt::format("{}:{}#www", plan.www_redirect->meta().object_name().to_string(), other),
              {other},
              plan.www_redirect,
              nullptr,
              {PathMatch::prefix, "/", "/", {}},
              {plan.www_redirect->meta().object_name(), {}}};
  Route route;
  route.redirect.emplace().host = host;
  emit(draft, "", std::move(route));
}

void RouteWriter::write_default(const HostPlans& hosts) {
  if (settings_.default_backend.empty()) return;
  const auto slash = settings_.default_backend.find('/');
  if (slash == std::string::npos) return;
  const ServiceRef ref = service_ref(std::string_view(settings_.default_backend).substr(slash + 1),
                                     settings_.default_backend.substr(0, slash));
  const auto name = book_.use(ref, {});
  Route route;
  route.listeners = listeners_;
  route.matches.emplace_back();
  if (name)
    route.forward.push_back({*name, 1});
  else
    route.respond = unavailable();
  const auto has_all = [](const HostPlan& plan) {
    return std::any_of(plan.locations.begin(), plan.locations.end(), [](const Location& location) {
      return location.pattern.kind == PathMatch::prefix && location.pattern.path == "/";
    });
  };
  Route named = route;
  for (const auto& [host, plan] : hosts)
    if (!host.empty() && !has_all(plan)) named.hosts.push_back(host);
  const auto any = hosts.find("");
  route.name = "default-backend:*";
  named.name = "default-backend:hosts";
  for (Route* each : {&route, &named}) {
    if (each == &route ? any != hosts.end() && has_all(any->second) : named.hosts.empty()) continue;
    translation_.origins.emplace(each->name, RouteOrigin{{}, ref.service});
    translation_.routes.push_back(std::move(*each));
  }
}

}  // namespace gateway::kubernetes
