#include "gateway/snapshot/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "gateway/base/hash.h"
#include "gateway/filter/table.h"
#include "gateway/http/fields.h"

namespace gateway::snapshot {
namespace {

Result<RouteFilter> compile_filter(const config::PolicySettings& settings,
                                   filter::CompileServices& services) {
  const filter::FilterType* type = filter::find_filter_type(settings.type);
  if (type == nullptr)
    return failure(ErrorCode::invalid_argument, Side::internal,
                   fmt::format("there is no filter '{}'", settings.type));
  auto plan = type->compile(settings.options, services);
  if (!plan) return tl::make_unexpected(plan.error());
  return RouteFilter{type, settings, *plan};
}

// Equal lists, equal hashes; most others differ.
template <typename List, typename SettingsOf>
std::size_t hash_of(const List& list, SettingsOf settings_of) {
  std::size_t hash = list.size();
  for (const auto& each : list) {
    hash = mix(hash, hash_bytes(settings_of(each).type));
    hash = mix(hash, settings_of(each).options.hash());
  }
  return hash;
}

bool same_settings(const FilterChain& chain, const std::vector<config::PolicySettings>& list) {
  return std::equal(chain.begin(), chain.end(), list.begin(), list.end(),
                    [](const RouteFilter& entry, const config::PolicySettings& settings) {
                      return entry.settings == settings;
                    });
}

class Compiler {
 public:
  Compiler(Snapshot& snapshot, const Snapshot* previous, filter::CompileServices& services)
      : snapshot_(snapshot), model_(*snapshot.model), previous_(previous), services_(services) {}

  std::vector<config::Finding> run() {
    auto table = routing::RouteTable::compile(model_.routes, model_.listeners,
                                              previous_ ? previous_->routes.get() : nullptr);
    if (!table) {
      find_bad_routes(table.error());
      return std::move(findings_);
    }
    snapshot_.routes = *table;
    share_upstreams();
    const FilterChain global = compile_filters(model_.filters, {}, nullptr);
    if (!findings_.empty()) return std::move(findings_);
    const bool reuse = previous_ != nullptr && previous_->model->filters == model_.filters;
    snapshot_.chains.resize(snapshot_.routes->routes().size());
    for (const auto& route : snapshot_.routes->routes())
      if (route) snapshot_.chains[route->index] = chain_for(*route, global, reuse);
    find_distinct_chains();
    collect_identity_headers();
    protect_identity_headers();
    collect_client_authorities();
    return std::move(findings_);
  }

 private:
  // Found again one by one: only a configuration that is refused pays for it.
  void find_bad_routes(const Error& error) {
    routing::RegexCache regexes;
    for (std::size_t i = 0; i < model_.routes.size(); ++i)
      if (auto route = routing::compile_route(model_.routes.share(i), 0, regexes); !route)
        findings_.push_back({fmt::format("routes[{}]", i), route.error().detail});
    if (findings_.empty()) findings_.push_back({"routes", error.detail});
  }

  // A filter that cannot be is left out of the chain and told of. `known`: what is compiled
  // already, for those with equal settings. `owner` null: of every route.
  FilterChain compile_filters(const std::vector<config::PolicySettings>& list,
                              const FilterChain& known, const routing::Route* owner) {
    FilterChain chain;
    for (const config::PolicySettings& settings : list) {
      const auto found = std::find_if(known.begin(), known.end(), [&](const RouteFilter& entry) {
        return entry.settings == settings;
      });
      if (found != known.end()) {
        chain.push_back(*found);
        continue;
      }
      auto compiled = compile_filter(settings, services_);
      if (compiled)
        chain.push_back(std::move(*compiled));
      else
        findings_.push_back({filter_path(owner, settings),
                             fmt::format("filter {}: {}", settings.type, compiled.error().detail)});
    }
    return chain;
  }

  // Chains and the table have orders of their own: what stands where in the model is sought.
  std::string filter_path(const routing::Route* owner,
                          const config::PolicySettings& settings) const {
    const auto place = [&](const auto& list) {
      return std::find(list.begin(), list.end(), settings) - list.begin();
    };
    const auto global = static_cast<std::size_t>(place(model_.filters));
    if (owner == nullptr || global < model_.filters.size())
      return fmt::format("filters[{}]", global);
    const auto route = std::find_if(model_.routes.begin(), model_.routes.end(),
                                    [&](const auto& each) { return each.name == owner->name(); });
    return fmt::format("routes[{}].filters[{}]", route - model_.routes.begin(),
                       place(owner->model.filters));
  }

  void share_upstreams() {
    for (std::size_t i = 0; i < model_.upstreams.size(); ++i) {
      std::shared_ptr<const config::Upstream> shared = model_.upstreams.share(i);
      if (previous_ != nullptr) {
        const auto known = previous_->upstreams.find(shared->name);
        if (known != previous_->upstreams.end() && known->second != shared &&
            *known->second == *shared)
          shared = known->second;
      }
      snapshot_.upstreams.emplace_hint(snapshot_.upstreams.end(), shared->name, shared);
    }
  }

  // Chains and plans are shared by many routes, and asking a plan may mean reading its file.
  bool is_current(const FilterChain& chain) {
    const auto [verdict, fresh] = current_chains_.try_emplace(&chain, true);
    if (fresh)
      verdict->second = std::all_of(chain.begin(), chain.end(), [&](const RouteFilter& entry) {
        const auto [known, first] = current_.try_emplace(entry.plan.get(), true);
        if (first) known->second = entry.plan->current();
        return known->second;
      });
    return verdict->second;
  }

  std::shared_ptr<const FilterChain> chain_for(const routing::Route& route,
                                               const FilterChain& global, bool reuse) {
    if (reuse && route.index < previous_->routes->routes().size() &&
        previous_->routes->routes()[route.index].get() == &route &&
        is_current(*previous_->chains[route.index]))
      return previous_->chains[route.index];
    if (reuse) remember_previous();
    const auto list = filter::run_order(model_.filters, route.model.filters);
    auto& equals = chains_[hash_of(list, [](const auto& each) -> auto& { return each; })];
    for (const auto& chain : equals)
      if (same_settings(*chain, list)) return chain;
    auto made = std::make_shared<const FilterChain>(compile_filters(list, global, &route));
    if (made->size() == list.size()) equals.push_back(made);
    return made;
  }

  // Only once some route needs a chain.
  void remember_previous() {
    if (std::exchange(remembered_, true)) return;
    std::unordered_set<const FilterChain*> seen;
    for (const auto& chain : previous_->chains) {
      if (!chain || !seen.insert(chain.get()).second || !is_current(*chain)) continue;
      const auto settings_of = [](const RouteFilter& each) -> auto& { return each.settings; };
      chains_[hash_of(*chain, settings_of)].push_back(chain);
    }
  }

  void find_distinct_chains() {
    std::unordered_set<const FilterChain*> seen;
    const FilterChain* last = nullptr;
    for (const auto& route : snapshot_.routes->routes()) {
      if (!route) continue;
      const FilterChain* chain = snapshot_.chains[route->index].get();
      if (std::exchange(last, chain) != chain && seen.insert(chain).second)
        distinct_.emplace_back(route.get(), chain);
    }
  }

  void collect_identity_headers() {
    std::set<std::string> names;
    for (const auto& [route, chain] : distinct_)
      for (const RouteFilter& entry : *chain)
        for (const std::string& name : entry.plan->identity_headers()) names.insert(name);
    snapshot_.identity_headers.assign(names.begin(), names.end());
  }

  // Handshakes know the host and not yet the route: all routes of a host ask by the same.
  void collect_client_authorities() {
    const bool any = std::any_of(distinct_.begin(), distinct_.end(), [](const auto& each) {
      return std::any_of(each.second->begin(), each.second->end(), [](const RouteFilter& entry) {
        return entry.plan->client_authority() != nullptr;
      });
    });
    if (!any) return;
    auto authorities = std::make_shared<net::ClientAuthorities>();
    for (const auto& route : snapshot_.routes->routes()) {
      if (!route) continue;
      for (const RouteFilter& entry : *snapshot_.chains[route->index])
        if (const auto authority = entry.plan->client_authority())
          for_each_host(*route, [&](const std::string& host) {
            if (!authorities->add(host, authority)) report_authority(*route, entry, host);
          });
    }
    if (authorities->empty()) return;
    // A host of its own is not asked because a wildcard is.
    for (const auto& route : snapshot_.routes->routes())
      if (route)
        for_each_host(*route, [&](const std::string& host) { authorities->add(host, nullptr); });
    const bool same = previous_ != nullptr && previous_->client_authorities &&
                      previous_->client_authorities->asks_as(*authorities);
    snapshot_.client_authorities = same ? previous_->client_authorities : std::move(authorities);
  }

  template <typename Visit>
  static void for_each_host(const routing::Route& route, Visit visit) {
    if (route.model.hosts.empty()) return visit({});
    for (const std::string& host : route.model.hosts) visit(host);
  }

  void report_authority(const routing::Route& route, const RouteFilter& entry,
                        const std::string& host) {
    findings_.push_back(
        {filter_path(&route, entry.settings),
         fmt::format("route {}, filter {}: another route of {} asks by other authorities, and a "
                     "handshake can ask by one set alone",
                     route.name(), entry.type->policy.type, host.empty() ? "every host" : host)});
  }

  // What tells an upstream who the client is comes from the filter that checked it, from no other.
  void protect_identity_headers() {
    for (const auto& [first, chain] : distinct_) {
      if (!reports_edits(*first, *chain)) continue;
      for (const auto& route : snapshot_.routes->routes())
        if (route && snapshot_.chains[route->index].get() == chain) reports_edits(*route, *chain);
    }
  }

  bool reports_edits(const routing::Route& route, const FilterChain& chain) {
    bool any = false;
    for (const RouteFilter& entry : chain)
      for (const std::string& name : entry.plan->edited_headers())
        if (is_identity_header(name)) any = (report_edit(route, entry, name), true);
    return any;
  }

  void report_edit(const routing::Route& route, const RouteFilter& entry,
                   const std::string& header) {
    config::Finding finding;
    finding.path = filter_path(&route, entry.settings);
    finding.message = fmt::format(
        "route {}, filter {}: '{}' tells who the client is and is set by the filter that checks it "
        "alone",
        route.name(), entry.type->policy.type, header);
    // A filter of every route is one problem, however many routes there are.
    const auto same = [&](const config::Finding& other) { return other.path == finding.path; };
    if (std::none_of(findings_.begin(), findings_.end(), same)) findings_.push_back(finding);
  }

  bool is_identity_header(std::string_view name) const {
    const auto& names = snapshot_.identity_headers;
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& other) { return http::same_variable(name, other); });
  }

  Snapshot& snapshot_;
  const config::Model& model_;
  const Snapshot* previous_;
  filter::CompileServices& services_;
  std::unordered_map<const filter::Plan*, bool> current_;  ///< of the previous snapshot's
  /// By hash: routes with equal filters have one chain.
  std::unordered_map<std::size_t, std::vector<std::shared_ptr<const FilterChain>>> chains_;
  std::unordered_map<const FilterChain*, bool> current_chains_;
  /// Each chain of the snapshot once, with the first of its routes.
  std::vector<std::pair<const routing::Route*, const FilterChain*>> distinct_;
  bool remembered_ = false;  ///< those of the previous snapshot are among them
  std::vector<config::Finding> findings_;
};

}  // namespace

tl::expected<std::shared_ptr<const Snapshot>, std::vector<config::Finding>> compile(
    std::shared_ptr<const config::Model> model, std::uint64_t generation, const Snapshot* previous,
    filter::CompileServices& services, ClientTls client_tls) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = generation;
  snapshot->model = std::move(model);
  snapshot->client_tls = std::move(client_tls);
  if (auto findings = Compiler(*snapshot, previous, services).run(); !findings.empty())
    return tl::make_unexpected(std::move(findings));
  return snapshot;
}

}  // namespace gateway::snapshot
