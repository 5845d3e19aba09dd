#include "gateway/routing/route_table.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace gateway::routing {

/// Makes one table; reuses what it can of the former one.
class RouteTable::Compiler {
 public:
  Compiler(RouteTable& table, const RouteTable* previous) : table_(table), previous_(previous) {
    table_.regexes_ = previous == nullptr ? std::make_shared<RegexCache>() : previous->regexes_;
  }

  Result<void> run(const config::SharedList<config::Route>& routes,
                   const std::vector<config::Listener>& listeners) {
    keep_equal_routes(routes);
    if (auto done = add_new_routes(routes); !done) return done;
    for (const auto& route : kept_) table_.in_order_.push_back(route.get());
    add_views(listeners);
    table_.regexes_->drop_unused();
    return {};
  }

 private:
  // Equal routes keep object and index. Most stand where they stood; the others are sought by name.
  void keep_equal_routes(const config::SharedList<config::Route>& routes) {
    kept_.resize(routes.size());
    if (previous_ == nullptr) return;
    table_.routes_.resize(previous_->routes_.size());
    std::vector<std::size_t> moved;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      const bool there = i < previous_->in_order_.size();
      if (there && keep(routes[i], i, *previous_->in_order_[i])) continue;
      const bool changed = there && previous_->in_order_[i]->name() == routes[i].name;
      if (!changed) moved.push_back(i);
    }
    if (moved.empty()) return;
    std::unordered_map<std::string_view, const Route*> by_name;
    for (const Route* route : previous_->in_order_) by_name.emplace(route->name(), route);
    for (const std::size_t i : moved) {
      const auto found = by_name.find(routes[i].name);
      if (found != by_name.end()) keep(routes[i], i, *found->second);
    }
  }

  bool keep(const config::Route& model, std::size_t position, const Route& route) {
    auto& place = table_.routes_[route.index];
    const bool equal = &model == &route.model || model == route.model;
    if (place != nullptr || !equal) return false;
    place = previous_->routes_[route.index];
    kept_[position] = place;
    return true;
  }

  Result<void> add_new_routes(const config::SharedList<config::Route>& routes) {
    std::uint32_t free = 0;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      if (kept_[i] != nullptr) continue;
      while (free < table_.routes_.size() && table_.routes_[free] != nullptr) ++free;
      if (free == table_.routes_.size()) table_.routes_.emplace_back();
      auto route = compile_route(routes.share(i), free, *table_.regexes_);
      if (!route) return tl::make_unexpected(route.error());
      kept_[i] = table_.routes_[free] = *route;
    }
    return {};
  }

  // Listeners that no route names all serve the same; each named one has a view of its own.
  void add_views(const std::vector<config::Listener>& listeners) {
    std::unordered_set<std::string_view> named;
    for (const Route* route : table_.in_order_) {
      named.insert(route->model.listeners.begin(), route->model.listeners.end());
    }
    std::unordered_map<std::string_view, std::size_t> views;
    for (const config::Listener& listener : listeners) {
      const std::string_view name =
          named.contains(listener.name) ? std::string_view(listener.name) : std::string_view();
      const auto [entry, fresh] = views.emplace(name, table_.views_.size());
      if (fresh) table_.views_.push_back(view(name));
      table_.view_of_.push_back(entry->second);
    }
  }

  static bool serves(const Route& route, std::string_view listener) {
    const auto& names = route.model.listeners;
    return names.empty() || std::find(names.begin(), names.end(), listener) != names.end();
  }

  std::shared_ptr<const HostMap> view(std::string_view listener) {
    std::unordered_map<std::string_view, std::size_t> position(table_.in_order_.size());
    std::vector<std::pair<std::string_view, std::vector<const Match*>>> hosts;
    const auto add = [&](std::string_view host, const Route& route) {
      const auto [entry, fresh] = position.emplace(host, hosts.size());
      if (fresh) hosts.emplace_back(host, std::vector<const Match*>());
      auto& matches = hosts[entry->second].second;
      for (const Match& match : route.matches) matches.push_back(&match);
    };
    for (const Route* route : table_.in_order_) {
      if (!serves(*route, listener)) continue;
      if (route->hosts.empty()) add("*", *route);
      for (const std::string& host : route->hosts) add(host, *route);
    }
    std::vector<std::shared_ptr<const HostTable>> tables;
    tables.reserve(hosts.size());
    for (auto& [host, matches] : hosts) tables.push_back(host_table(host, std::move(matches)));
    return std::make_shared<const HostMap>(std::move(tables));
  }

  std::shared_ptr<const HostTable> host_table(std::string_view host,
                                              std::vector<const Match*> matches) {
    const auto same_in = [&](const RouteTable& table) -> std::shared_ptr<const HostTable> {
      for (const auto& view : table.views_) {
        auto found = view->of_pattern(host);
        if (found != nullptr && found->matches == matches) return found;
      }
      return nullptr;
    };
    if (auto found = same_in(table_)) return found;
    if (previous_ != nullptr) {
      if (auto found = same_in(*previous_)) return found;
    }
    return std::make_shared<const HostTable>(host, std::move(matches));
  }

  RouteTable& table_;
  const RouteTable* previous_;
  std::vector<std::shared_ptr<const Route>> kept_;  ///< in the order of the configuration
};

Result<std::shared_ptr<const RouteTable>> RouteTable::compile(
    const config::SharedList<config::Route>& routes, const std::vector<config::Listener>& listeners,
    const RouteTable* previous) {
  auto table = std::make_shared<RouteTable>();
  if (auto done = Compiler(*table, previous).run(routes, listeners); !done) {
    return tl::make_unexpected(done.error());
  }
  return table;
}

}  // namespace gateway::routing
