#include "gateway/snapshot/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

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

// `known`: what is compiled already, for those with equal settings.
Result<FilterChain> compile_filters(const std::vector<config::PolicySettings>& list,
                                    const FilterChain& known, std::string_view owner,
                                    filter::CompileServices& services) {
  FilterChain chain;
  for (const config::PolicySettings& settings : list) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const RouteFilter& entry) {
      return entry.settings == settings;
    });
    if (found != known.end()) {
      chain.push_back(*found);
      continue;
    }
    auto compiled = compile_filter(settings, services);
    if (!compiled) {
      Error error = compiled.error();
      error.detail = fmt::format("{}, filter {}: {}", owner, settings.type, error.detail);
      return tl::make_unexpected(std::move(error));
    }
    chain.push_back(std::move(*compiled));
  }
  return chain;
}

class Compiler {
 public:
  Compiler(Snapshot& snapshot, const Snapshot* previous, filter::CompileServices& services)
      : snapshot_(snapshot), previous_(previous), services_(services) {}

  Result<void> run() {
    const config::Model& model = *snapshot_.model;
    auto table = routing::RouteTable::compile(model.routes, model.listeners,
                                              previous_ ? previous_->routes.get() : nullptr);
    if (!table) return tl::make_unexpected(table.error());
    snapshot_.routes = *table;
    share_upstreams();
    auto global = compile_filters(model.filters, {}, "every route", services_);
    if (!global) return tl::make_unexpected(global.error());
    const bool reuse = previous_ != nullptr && previous_->model->filters == model.filters;
    snapshot_.chains.resize(snapshot_.routes->routes().size());
    for (const auto& route : snapshot_.routes->routes()) {
      if (!route) continue;
      auto chain = chain_for(*route, *global, reuse);
      if (!chain) return tl::make_unexpected(chain.error());
      snapshot_.chains[route->index] = std::move(*chain);
    }
    collect_identity_headers();
    return protect_identity_headers();
  }

 private:
  void share_upstreams() {
    for (const config::Upstream& upstream : snapshot_.model->upstreams) {
      std::shared_ptr<const config::Upstream> shared;
      if (previous_ != nullptr) {
        const auto found = previous_->upstreams.find(upstream.name);
        if (found != previous_->upstreams.end() && *found->second == upstream)
          shared = found->second;
      }
      if (!shared) shared = std::make_shared<const config::Upstream>(upstream);
      snapshot_.upstreams.emplace(upstream.name, std::move(shared));
    }
  }

  Result<std::shared_ptr<const FilterChain>> chain_for(const routing::Route& route,
                                                       const FilterChain& global, bool reuse) {
    if (reuse && route.index < previous_->routes->routes().size() &&
        previous_->routes->routes()[route.index].get() == &route)
      return previous_->chains[route.index];
    auto chain = compile_filters(filter::run_order(snapshot_.model->filters, route.model.filters),
                                 global, fmt::format("route {}", route.name()), services_);
    if (!chain) return tl::make_unexpected(chain.error());
    return std::make_shared<const FilterChain>(std::move(*chain));
  }

  void collect_identity_headers() {
    std::set<std::string> names;
    std::set<const FilterChain*> seen;
    for (const auto& chain : snapshot_.chains) {
      if (!chain || !seen.insert(chain.get()).second) continue;
      for (const RouteFilter& entry : *chain)
        for (const std::string& name : entry.plan->identity_headers()) names.insert(name);
    }
    snapshot_.identity_headers.assign(names.begin(), names.end());
  }

  // What tells an upstream who the client is comes from the filter that checked it, from no other.
  Result<void> protect_identity_headers() const {
    for (const auto& route : snapshot_.routes->routes()) {
      if (!route) continue;
      for (const RouteFilter& entry : *snapshot_.chains[route->index])
        for (const std::string& name : entry.plan->edited_headers())
          if (is_identity_header(name))
            return failure(ErrorCode::invalid_argument, Side::internal,
                           fmt::format("route {}, filter {}: '{}' tells who the client is and is "
                                       "set by the filter that checks it alone",
                                       route->name(), entry.type->policy.type, name));
    }
    return {};
  }

  bool is_identity_header(std::string_view name) const {
    const auto& names = snapshot_.identity_headers;
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& other) { return http::same_variable(name, other); });
  }

  Snapshot& snapshot_;
  const Snapshot* previous_;
  filter::CompileServices& services_;
};

}  // namespace

Result<std::shared_ptr<const Snapshot>> compile(std::shared_ptr<const config::Model> model,
                                                std::uint64_t generation, const Snapshot* previous,
                                                filter::CompileServices& services) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = generation;
  snapshot->model = std::move(model);
  if (auto done = Compiler(*snapshot, previous, services).run(); !done)
    return tl::make_unexpected(done.error());
  return snapshot;
}

}  // namespace gateway::snapshot
