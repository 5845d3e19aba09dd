#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/model.h"
#include "gateway/http/message.h"
#include "gateway/routing/host_table.h"
#include "gateway/routing/route.h"

namespace gateway::routing {

/// Finds the route of a request: listener first, then host (exact, then `*.` for one label, then
/// any), then path, method, headers and query in the Gateway API's order (see compare() in
/// match.h), then the order in the configuration. A host that has routes never falls back to a less
/// specific one.
///
/// Immutable: any number of threads may look up; nothing is locked or allocated. A table made from
/// a former one shares with it every route, pattern and host table that did not change.
class RouteTable {
 public:
  /// `listeners` by position, as `find` names them. Control thread only.
  static Result<std::shared_ptr<const RouteTable>> compile(
      const config::SharedList<config::Route>& routes,
      const std::vector<config::Listener>& listeners, const RouteTable* previous = nullptr);

  /// The match that wins, with its route; null when nothing matches. Lives as long as a table that
  /// holds its route.
  const Match* find(std::size_t listener, const http::RequestHead& request) const {
    const HostTable* host = views_[view_of_[listener]]->find(request.host);
    return host == nullptr ? nullptr : host->paths.find(request, Match::bit(request.method));
  }

  /// By Route::index. Null where a removed route left its place; a later new route takes it.
  const std::vector<std::shared_ptr<const Route>>& routes() const { return routes_; }
  /// In the order of the configuration.
  const std::vector<const Route*>& in_order() const { return in_order_; }
  /// What one listener serves, for explanations.
  const HostMap& hosts(std::size_t listener) const { return *views_[view_of_[listener]]; }

 private:
  class Compiler;

  std::vector<std::shared_ptr<const HostMap>> views_;
  std::vector<std::string> view_names_;  ///< the listener whose view it is; empty: of all others
  std::vector<std::size_t> view_of_;     ///< by listener
  std::vector<std::shared_ptr<const Route>> routes_;
  std::vector<const Route*> in_order_;
  std::map<std::string, std::size_t, std::less<>> naming_;  ///< how many routes name a listener
  std::shared_ptr<RegexCache> regexes_;
};

}  // namespace gateway::routing
