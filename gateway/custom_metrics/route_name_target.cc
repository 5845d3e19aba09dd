#include "gateway/custom_metrics/route_name_target.h"

namespace gateway::custom_metrics {

const std::vector<ObjectKind>& RouteNameTarget::kinds() const {
  static const std::vector<ObjectKind> kinds = {
      {"networking.k8s.io", "ingresses", "Ingress", "networking.k8s.io/v1"},
      {"", "services", "Service", "v1"},
      {"", "namespaces", "Namespace", "v1"},
  };
  return kinds;
}

Result<std::vector<ResolvedObject>> RouteNameTarget::find(const ObjectQuery& query) {
  if (query.resource == "namespaces") {
    ResolvedObject all{query.name, {}};
    for (const std::string& route : sum_.routes()) all.routes.push_back({{route}});
    return std::vector<ResolvedObject>{std::move(all)};
  }
  std::vector<ResolvedObject> found;
  if (query.name == "*") {
    if (!query.labels.empty())
      return failure(ErrorCode::bad_request, Side::downstream, "routes of a file have no labels");
    for (const std::string& route : sum_.routes()) found.push_back({route, {{{route}}}});
    return found;
  }
  if (auto ready = sum_.available(); !ready) return tl::make_unexpected(ready.error());
  if (!sum_.knows(query.name))
    return failure(ErrorCode::not_found, Side::downstream, "there is no route " + query.name);
  found.push_back({query.name, {{{query.name}}}});
  return found;
}

Result<std::vector<LabelledRoute>> RouteNameTarget::routes_of(std::string_view) {
  std::vector<LabelledRoute> routes;
  for (const std::string& route : sum_.routes()) routes.push_back({route});
  return routes;
}

}  // namespace gateway::custom_metrics
