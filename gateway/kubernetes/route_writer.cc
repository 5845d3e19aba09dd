#include "gateway/kubernetes/route_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/filter/table.h"

namespace gateway::kubernetes {
namespace {

using config::PathMatch;
using config::Route;

constexpr std::string_view kChallenge = "/.well-known/acme-challenge";

// Authorities of certificates ask there over plain HTTP and know no password (RFC 8555 §8.3).
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
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '_' && c != '-') out += '\\';
    out += c;
  }
  return out;
}

config::ValueMatch cookie_match(const std::string& name, std::string_view value) {
  return {"Cookie", fmt::format("(?:.*; ?)?{}={}(?: ?;.*)?", literal(name), value), true, false};
}

std::vector<std::string> names_of(const std::string& host, const HostPlan& plan) {
  std::vector<std::string> names;
  if (host.empty()) return names;
  names.reserve(1 + plan.aliases.size());
  names.push_back(host);
  names.insert(names.end(), plan.aliases.begin(), plan.aliases.end());
  return names;
}

std::string name_of(const PreparedIngress& owner, const std::string& host, std::string_view kind,
                    std::string_view path) {
  const ObjectMeta& meta = owner.meta();
  std::string name;
  name.reserve(meta.namespace_.size() + meta.name.size() + host.size() + path.size() + 16);
  name.append(meta.namespace_).append("/").append(meta.name).append(":");
  return name.append(host.empty() ? "*" : host).append(kind).append(path);
}

bool claims(const HostPlan& plan, PathMatch kind) {
  return std::any_of(plan.locations.begin(), plan.locations.end(), [&](const Location& location) {
    return location.pattern->kind == kind && location.pattern->path == "/";
  });
}

// Whoever answers instead is told what was to answer, under ingress-nginx's names.
void tell_service(const ObjectName& service, const std::string& port,
                  config::PolicySettings& error_pages) {
  auto options = error_pages.options.as<config::Value::Map>();
  auto headers = options["headers"].as<config::Value::Map>();
  headers["X-Service-Name"] = service.name;
  if (!port.empty()) headers["X-Service-Port"] = port;
  options["headers"] = std::move(headers);
  error_pages.options = std::move(options);
}

bool is_login(std::string_view filter) {
  const filter::FilterType* type = filter::find_filter_type(filter);
  return type == nullptr || type->login;
}

config::FixedAnswer unknown() { return {404, "There is nothing here.\n"}; }

config::FixedAnswer unavailable() {
  return {503, "This path cannot be served as it is configured.\n"};
}

}  // namespace

struct RouteWriter::Draft {
  std::string name;
  std::vector<std::string> hosts;
  const PreparedIngress* owner;
  const std::vector<config::PolicySettings>* filters;  ///< null: none
  const PathPattern* pattern;
  const config::PolicySettings* certificate = nullptr;  ///< what clients must show
  ObjectName service = {};                              ///< empty where it does not forward
  std::string port = {};                                ///< of it, as the Ingress writes it
  bool hsts = false;                                    ///< of TLS listeners
  bool redirect = false;                                ///< plain listeners lead to https
  bool challenge = false;
};

RouteWriter::RouteWriter(const TranslatorSettings& settings, UpstreamBook& book,
                         std::vector<std::shared_ptr<const Route>>& defaults, Notices& notices,
                         Translation& translation)
    : settings_(settings),
      book_(book),
      defaults_(defaults),
      notices_(notices),
      translation_(translation) {}

void RouteWriter::write(const std::string& name, Host& host) {
  WrittenHost& written = host.written;
  if (!written.done || !holds_still(written)) {
    written = {};
    record_ = &written;
    filters_.clear();
    pattern_names_.clear();
    const std::size_t notices = notices_.size();
    write_anew(name, *host.plan);
    written.notices = notices_.since(notices);
    written.done = true;
    record_ = nullptr;
  } else if (!written.notices.empty()) {
    notices_.add(written.notices);
  }
  translation_.routes.append(written.routes);
  translation_.origins.append(written.origins);
}

// The book is asked the same in the same order as if the host were written: up to the first other
// answer, so that asking again for that leaves no trace.
bool RouteWriter::holds_still(const WrittenHost& written) {
  for (const WrittenHost::Question& each : written.questions) {
    const auto answer = each.private_ ? book_.use_private(each.entry, *each.settings)
                                      : book_.use(each.entry, *each.settings);
    if (answer != each.answer && *answer != *each.answer) return false;
  }
  return true;
}

UpstreamBook::AnswerPtr RouteWriter::ask(const ServiceRef& service,
                                         const UpstreamSettings& settings, bool private_) {
  auto entry = book_.find(service);
  auto answer = private_ ? book_.use_private(entry, settings) : book_.use(entry, settings);
  record_->questions.push_back({std::move(entry), &settings, private_, answer});
  return answer;
}

void RouteWriter::write_anew(const std::string& host, const HostPlan& plan) {
  for (const Location& location : plan.locations) write_location(host, plan, location);
  if (plan.app_root != nullptr && !claims(plan, PathMatch::exact)) write_app_root(host, plan);
  if (plan.www_redirect != nullptr) write_www_redirect(host, plan);
  if (plan.locations.empty() && !host.empty()) write_bare(host, plan);
}

std::optional<std::string> RouteWriter::upstream_for(const PreparedIngress& ingress,
                                                     const Backend& backend,
                                                     const UpstreamSettings& settings) {
  if (!backend.resource.empty()) {
    notices_.add(ingress.meta(), Severity::warning, kBackendMissing,
                 fmt::format("{}: only Services can be backends", backend.resource), true);
    return std::nullopt;
  }
  const auto answer =
      ask({{ingress.meta().namespace_, backend.service}, backend.port}, settings, false);
  const UpstreamBook::Answer& name = *answer;
  if (name) return *name;
  notices_.add(ingress.meta(), Severity::warning, name.error().reason, name.error().message, true);
  return std::nullopt;
}

const std::vector<config::PolicySettings>* RouteWriter::filters_of(const PreparedIngress& ingress) {
  if (ingress.plan().asked.empty()) return &ingress.plan().filters;
  const auto [known, fresh] = filters_.try_emplace(&ingress);
  if (fresh) known->second = with_upstreams(ingress);
  return known->second ? &*known->second : nullptr;
}

std::optional<std::vector<config::PolicySettings>> RouteWriter::with_upstreams(
    const PreparedIngress& ingress) {
  std::vector<config::PolicySettings> filters = ingress.plan().filters;
  for (const AskedService& asked : ingress.plan().asked) {
    const auto answer = ask(asked.service, asked.settings, asked.private_);
    const UpstreamBook::Answer& name = *answer;
    if (!name) {
      if (is_login(asked.filter)) {
        notices_.add(
            ingress.meta(), Severity::warning, kAuthUnusable,
            fmt::format("{}: {}; the paths answer 503", asked.filter, name.error().message), true);
        return std::nullopt;
      }
      notices_.add(ingress.meta(), Severity::warning, name.error().reason,
                   fmt::format("{}: {}", asked.filter, name.error().message));
      std::erase_if(filters, [&](const auto& filter) { return filter.type == asked.filter; });
      continue;
    }
    for (config::PolicySettings& filter : filters) {
      if (filter.type != asked.filter) continue;
      auto options = filter.options.as<config::Value::Map>();
      options.insert_or_assign("upstream", *name);
      filter.options = std::move(options);
    }
  }
  return filters;
}

void RouteWriter::write_location(const std::string& host, const HostPlan& plan,
                                 const Location& location) {
  const PreparedIngress& owner = *location.owner;
  const PathPattern& pattern = *location.pattern;
  const IngressPlan& asks = owner.plan();
  Draft draft{name_of(owner, host, mark_of(pattern.kind),
                      pattern.written.empty() ? "/" : std::string_view(pattern.written)),
              names_of(host, plan), &owner, nullptr, &pattern};
  if (pattern.kind == PathMatch::regex) draft.name = unique(std::move(draft.name));
  draft.challenge = is_challenge(pattern);
  draft.hsts = plan.tls && !asks.hsts.empty();
  const bool both = !settings_.tls_listeners.empty() && !settings_.plain_listeners.empty();
  draft.redirect = !draft.challenge && (both || settings_.told_schemes) && !owner.refused &&
                   ((plan.tls && asks.ssl_redirect) || asks.force_ssl_redirect);
  if (location.client_certificate) draft.certificate = &*location.client_certificate;
  const bool usable = (asks.unusable.empty() && !location.shut) || draft.challenge;
  if (!owner.refused && usable) draft.filters = filters_of(owner);
  if (draft.filters != nullptr && !asks.redirect) return write_forward(draft, location);
  Route route;
  if (draft.filters == nullptr)
    route.respond = unavailable();
  else
    route.redirect = asks.redirect;
  emit(draft, "", std::move(route));
}

void RouteWriter::write_forward(Draft& draft, const Location& location) {
  const PreparedIngress& owner = *location.owner;
  const UpstreamSettings& settings = owner.plan().upstream;
  auto upstream = upstream_for(owner, *location.backend, settings);
  Route route;
  if (!upstream) {
    draft.filters = nullptr;
    route.respond = unavailable();
    return emit(draft, "", std::move(route));
  }
  draft.service = {owner.meta().namespace_, location.backend->service};
  draft.port = location.backend->port;
  if (location.canary != nullptr) {
    const Canary& canary = *location.canary->plan().canary;
    // Everything but the backend is inherited.
    const auto other = upstream_for(*location.canary, *location.canary_backend, settings);
    if (other && *other != *upstream) {
      write_canary(draft, canary, *upstream, *other);
      if (canary.weight > 0)
        route.forward = {{*upstream, canary.weight_total - canary.weight}, {*other, canary.weight}};
    }
  }
  if (route.forward.empty()) route.forward.push_back({std::move(*upstream), 1});
  emit(draft, "", std::move(route));
}

void RouteWriter::add_canary_match(Draft& draft, std::string_view mark, config::ValueMatch match,
                                   const std::string& upstream) {
  Route route;
  config::Match& made = route.matches.emplace_back(match_of(*draft.pattern));
  made.headers.push_back(std::move(match));
  route.forward.push_back({upstream, 1});
  emit(draft, mark, std::move(route));
}

// The header goes before the cookie, the cookie before the weight. Routes with a condition go
// before those without, and among themselves in this order.
void RouteWriter::write_canary(Draft& draft, const Canary& canary, const std::string& main,
                               const std::string& other) {
  if (!canary.header.empty()) {
    if (!canary.header_value.empty()) {
      add_canary_match(draft, "#canary", {canary.header, canary.header_value, false, false}, other);
    } else if (!canary.header_pattern.empty()) {
      add_canary_match(
          draft, "#canary",
          {canary.header, fmt::format(".*(?:{}).*", canary.header_pattern), true, false}, other);
    } else {
      add_canary_match(draft, "#canary", {canary.header, "always", false, false}, other);
      add_canary_match(draft, "#never", {canary.header, "never", false, false}, main);
    }
  }
  if (canary.cookie.empty()) return;
  add_canary_match(draft, "#canary-cookie", cookie_match(canary.cookie, "always"), other);
  add_canary_match(draft, "#never-cookie", cookie_match(canary.cookie, "never"), main);
}

// Completes a route and writes it: once for all listeners where it is the same on all, else once
// for the plain ones and once for those with TLS.
void RouteWriter::emit(Draft& draft, std::string_view mark, Route route) {
  const IngressPlan& plan = draft.owner->plan();
  route.name.reserve(draft.name.size() + mark.size());
  route.name.append(draft.name).append(mark);
  route.hosts = draft.hosts;
  if (route.matches.empty()) route.matches.push_back(match_of(*draft.pattern));
  if (!route.forward.empty()) {
    route.timeout = plan.read_timeout;
    route.idle_timeout = plan.read_timeout;
    route.rewrite = draft.pattern->rewrite;
    if (!plan.upstream_host.empty()) {
      if (!route.rewrite) route.rewrite.emplace();
      route.rewrite->host = plan.upstream_host;
    }
  }
  route.https_only = draft.redirect;
  const bool differ = draft.hsts && !draft.redirect && !settings_.plain_listeners.empty();
  if (settings_.tls_listeners.empty() || !differ) {
    return finish(draft, std::move(route), !settings_.tls_listeners.empty());
  }
  Route plain = route;
  plain.name += "#plain";
  plain.listeners = settings_.plain_listeners;
  finish(draft, std::move(plain), false);
  route.listeners = settings_.tls_listeners;
  finish(draft, std::move(route), true);
}

// `tls`: of listeners with TLS alone, or of all where there is no difference.
void RouteWriter::finish(const Draft& draft, Route route, bool tls) {
  const PreparedIngress& owner = *draft.owner;
  if (draft.filters != nullptr) {
    const auto& edits = tls && draft.hsts ? owner.edits_with_hsts : owner.edits;
    route.filters.reserve(draft.filters->size() + (edits ? 1 : 0) + (draft.certificate ? 1 : 0));
    if (draft.certificate != nullptr && !draft.challenge)
      route.filters.push_back(*draft.certificate);
    for (const config::PolicySettings& filter : *draft.filters) {
      if (draft.challenge && filter::asks_for_login(filter)) continue;
      config::PolicySettings& added = route.filters.emplace_back(filter);
      if (added.type == "error_pages" && !draft.service.name.empty())
        tell_service(draft.service, draft.port, added);
    }
    if (edits) route.filters.push_back(*edits);
  }
  const bool open = draft.challenge || !owner.plan().global_policies;
  add(std::move(route), {owner.meta().object_name(), draft.service, open});
}

void RouteWriter::add(Route route, RouteOrigin origin) {
  auto& origins = record_->origins;
  record_->routes.push_back(std::make_shared<const Route>(std::move(route)));
  if (!origins.empty() && *origins.back() == origin)
    origins.push_back(origins.back());
  else
    origins.push_back(std::make_shared<const RouteOrigin>(std::move(origin)));
}

// Owner, host and path tell all others apart; what is written as a pattern may hold anything.
std::string RouteWriter::unique(std::string name) {
  std::replace(name.begin(), name.end(), '#', '_');
  while (!pattern_names_.insert(name).second) name += '+';
  return name;
}

// A host that has no path at all is somebody's all the same: it must not be answered by whoever
// has a wildcard or every host.
void RouteWriter::write_bare(const std::string& host, const HostPlan& plan) {
  if (plan.first == nullptr || (!settings_.default_backend.empty() && !plan.first->refused)) return;
  static const PathPattern all{PathMatch::prefix, "/", "/", std::nullopt};
  Draft draft{name_of(*plan.first, host, "#none", ""), names_of(host, plan), plan.first, nullptr,
              &all};
  Route route;
  route.respond = plan.first->refused ? unavailable() : unknown();
  emit(draft, "", std::move(route));
}

void RouteWriter::write_app_root(const std::string& host, const HostPlan& plan) {
  static const PathPattern root{PathMatch::exact, "/", "/", std::nullopt};
  Draft draft{name_of(*plan.app_root, host, "#app-root", ""), names_of(host, plan), plan.app_root,
              nullptr, &root};
  Route route;
  config::Redirect& redirect = route.redirect.emplace();
  redirect.path = plan.app_root->plan().app_root;
  redirect.status = 302;
  emit(draft, "", std::move(route));
}

void RouteWriter::write_www_redirect(const std::string& host, const HostPlan& plan) {
  static const PathPattern all{PathMatch::prefix, "/", "/", std::nullopt};
  const std::string twin = www_twin(host);
  Draft draft{
      name_of(*plan.www_redirect, twin, "#www", ""), {twin}, plan.www_redirect, nullptr, &all};
  Route route;
  route.redirect.emplace().host = host;
  emit(draft, "", std::move(route));
}

namespace {

// The default backend's, of a host that asks clients for a certificate: on all of its paths.
Route guarded(Route route, const HostPlan& plan) {
  const auto& filter = plan.client_certificate->plan().client_certificate->filter;
  if (filter) {
    route.filters.push_back(*filter);
  } else {
    route.forward.clear();
    route.respond = unavailable();
  }
  return route;
}

}  // namespace

void RouteWriter::add_default(Route route, const ObjectName& service) {
  const auto known = std::find_if(defaults_.begin(), defaults_.end(),
                                  [&](const auto& each) { return *each == route; });
  translation_.routes.push_back(
      known != defaults_.end() ? *known : std::make_shared<const Route>(std::move(route)));
  translation_.origins.push_back(RouteOrigin{{}, service, false});
}

void RouteWriter::write_default(const Hosts& hosts) {
  const auto slash = settings_.default_backend.find('/');
  if (slash == std::string::npos) return;
  const ServiceRef ref = service_ref(std::string_view(settings_.default_backend).substr(slash + 1),
                                     settings_.default_backend.substr(0, slash));
  static const UpstreamSettings defaults;
  const auto answer = book_.use(book_.find(ref), defaults);
  const UpstreamBook::Answer& name = *answer;
  const std::size_t before = translation_.routes.size();
  Route route;
  route.matches.emplace_back();
  if (name)
    route.forward.push_back({*name, 1});
  else
    route.respond = unavailable();
  const Route plain = route;
  Route named = route;
  bool for_all = true;
  for (const auto& [host_name, host] : hosts) {
    if (!host.plan) continue;
    const HostPlan& plan = *host.plan;
    if (host_name.empty()) {
      for_all = !claims(plan, PathMatch::prefix);
      if (plan.client_certificate != nullptr) route = guarded(route, plan);
    }
    const bool bare_and_refused = plan.locations.empty() && plan.first && plan.first->refused;
    if (host_name.empty() || bare_and_refused || claims(plan, PathMatch::prefix)) continue;
    if (plan.client_certificate != nullptr) {
      Route own = guarded(plain, plan);
      own.name = "default-backend:" + host_name;
      own.hosts = names_of(host_name, plan);
      add_default(std::move(own), ref.service);
    } else {
      for (std::string& each : names_of(host_name, plan)) named.hosts.push_back(std::move(each));
    }
  }
  route.name = "default-backend:*";
  named.name = "default-backend:hosts";
  if (for_all) add_default(std::move(route), ref.service);
  if (!named.hosts.empty()) add_default(std::move(named), ref.service);
  defaults_.clear();
  for (std::size_t i = before; i < translation_.routes.size(); ++i)
    defaults_.push_back(translation_.routes.share(i));
}

}  // namespace gateway::kubernetes
