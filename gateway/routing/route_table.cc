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
    table_.in_order_.reserve(kept_.size());
    for (const auto& route : kept_) table_.in_order_.push_back(route.get());
    add_views(listeners);
    table_.regexes_->drop_unused();
    return {};
  }

 private:
  // Equal routes keep object and index. Most stand where they stood, as seen from the beginning or
  // from the end; the others are sought by name.
  void keep_equal_routes(const config::SharedList<config::Route>& routes) {
    kept_.resize(routes.size());
    if (previous_ == nullptr) return;
    const auto& before = previous_->in_order_;
    table_.routes_.resize(previous_->routes_.size());
    const std::size_t most = std::min(routes.size(), before.size());
    while (head_ < most && keep(routes[head_], head_, *before[head_])) ++head_;
    while (tail_ < most - head_ &&
           keep(routes[routes.size() - 1 - tail_], routes.size() - 1 - tail_,
                *before[before.size() - 1 - tail_]))
      ++tail_;
    std::unordered_map<std::string_view, const Route*> by_name;
    for (std::size_t i = head_; i < before.size() - tail_; ++i)
      by_name.emplace(before[i]->name(), before[i]);
    for (std::size_t i = head_; i < routes.size() - tail_; ++i) {
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
    count_names();
    find_touched_hosts();
    std::unordered_map<std::string_view, std::size_t> views;
    for (const config::Listener& listener : listeners) {
      const std::string_view name = table_.naming_.contains(listener.name)
                                        ? std::string_view(listener.name)
                                        : std::string_view();
      const auto [entry, fresh] = views.emplace(name, table_.views_.size());
      if (fresh) {
        table_.views_.push_back(view(name));
        table_.view_names_.emplace_back(name);
      }
      table_.view_of_.push_back(entry->second);
    }
  }

  // Routes between those that stand where they stood.
  std::span<const Route* const> middle(const RouteTable& table) const {
    return std::span(table.in_order_).subspan(head_, table.in_order_.size() - head_ - tail_);
  }

  void count_names() {
    if (previous_ != nullptr) {
      table_.naming_ = previous_->naming_;
      for (const Route* route : middle(*previous_)) {
        for (const std::string& name : route->model.listeners) {
          const auto known = table_.naming_.find(name);
          if (--known->second == 0) table_.naming_.erase(known);
        }
      }
    }
    for (const Route* route : middle(table_))
      for (const std::string& name : route->model.listeners) ++table_.naming_[name];
  }

  // What other hosts have is as it was, in the order in which it was.
  void find_touched_hosts() {
    few_touched_ = previous_ != nullptr;
    for (const RouteTable* table : {previous_, static_cast<const RouteTable*>(&table_)}) {
      if (table == nullptr) continue;
      for (const Route* route : middle(*table)) {
        if (route->hosts().empty()) touched_.insert("*");
        touched_.insert(route->hosts().begin(), route->hosts().end());
        few_touched_ = few_touched_ && touched_.size() <= kMostTouched;
        if (!few_touched_) return;
      }
    }
  }

  static bool serves(const Route& route, std::string_view listener) {
    const auto& names = route.model.listeners;
    return names.empty() || std::find(names.begin(), names.end(), listener) != names.end();
  }

  using Hosts = std::vector<std::pair<std::string_view, std::vector<const Match*>>>;

  std::shared_ptr<const HostMap> view(std::string_view listener) {
    if (const HostMap* before = few_touched_ ? former_view(listener) : nullptr)
      return changed_view(listener, *before);
    std::vector<std::shared_ptr<const HostTable>> tables;
    Hosts hosts = hosts_of(listener, table_.in_order_);
    tables.reserve(hosts.size());
    for (auto& [host, matches] : hosts) tables.push_back(host_table(host, std::move(matches)));
    return std::make_shared<const HostMap>(std::move(tables));
  }

  const HostMap* former_view(std::string_view listener) const {
    const auto& names = previous_->view_names_;
    const auto found = std::find(names.begin(), names.end(), listener);
    if (found == names.end()) return nullptr;
    return previous_->views_[static_cast<std::size_t>(found - names.begin())].get();
  }

  // The matches of hosts, in order; `routes` are in the order of the configuration.
  Hosts hosts_of(std::string_view listener, std::span<const Route* const> routes) const {
    std::unordered_map<std::string_view, std::size_t> position(routes.size());
    Hosts hosts;
    const auto add = [&](std::string_view host, const Route& route) {
      const auto [entry, fresh] = position.emplace(host, hosts.size());
      if (fresh) hosts.emplace_back(host, std::vector<const Match*>());
      auto& matches = hosts[entry->second].second;
      for (const Match& match : route.matches) matches.push_back(&match);
    };
    for (const Route* route : routes) {
      if (!serves(*route, listener)) continue;
      if (route->hosts().empty()) add("*", *route);
      for (const std::string& host : route->hosts()) add(host, *route);
    }
    return hosts;
  }

  std::shared_ptr<const HostMap> changed_view(std::string_view listener, const HostMap& before) {
    std::unordered_set<const Route*> known;
    std::size_t known_hosts = 0;
    for (const std::string_view host : touched_) {
      const auto table = before.of_pattern(host);
      if (table == nullptr) continue;
      ++known_hosts;
      for (const Match* match : table->matches) known.insert(match->route);
    }
    for (const Route* route : middle(table_)) known.insert(route);
    std::vector<const Route*> routes;
    for (const Route* route : table_.in_order_)
      if (known.contains(route)) routes.push_back(route);
    std::vector<std::shared_ptr<const HostTable>> others;
    std::vector<std::shared_ptr<const HostTable>> added;
    for (auto& [host, matches] : hosts_of(listener, routes)) {
      if (!touched_.contains(host)) continue;
      auto table = host_table(host, std::move(matches));
      const bool there = before.of_pattern(host) != nullptr;
      (there ? others : added).push_back(std::move(table));
    }
    if (added.empty() && others.size() == known_hosts)
      return std::make_shared<const HostMap>(before, others);
    return regrouped(before, others, std::move(added));
  }

  // Some hosts have come or gone.
  std::shared_ptr<const HostMap> regrouped(
      const HostMap& before, const std::vector<std::shared_ptr<const HostTable>>& others,
      std::vector<std::shared_ptr<const HostTable>> added) const {
    std::vector<std::shared_ptr<const HostTable>> tables = others;
    for (auto& table : added) tables.push_back(std::move(table));
    for (const auto& table : before.tables())
      if (!touched_.contains(table->pattern)) tables.push_back(table);
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
  // So many routes stand where they stood, from the beginning and from the end.
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  /// Hosts whose routes may have changed, while they are few.
  static constexpr std::size_t kMostTouched = 256;
  std::unordered_set<std::string_view> touched_;
  bool few_touched_ = false;
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
