#include "gateway/custom_metrics/object_index.h"

#include <algorithm>
#include <set>

namespace gateway::custom_metrics {
namespace {

tl::unexpected<Error> not_found(const ObjectQuery& query) {
  return failure(ErrorCode::not_found, Side::downstream,
                 query.resource + " \"" + query.name + "\" not found");
}

tl::unexpected<Error> not_synced() {
  return failure(ErrorCode::no_endpoint, Side::internal, "the cluster's objects are not read yet",
                 true);
}

}  // namespace

ObjectIndex::ObjectIndex(std::vector<ObjectKind> kinds) : kinds_(std::move(kinds)) {}

std::vector<ObjectKind> ObjectIndex::default_kinds() {
  return {
      {"networking.k8s.io", "ingresses", "Ingress", "networking.k8s.io/v1"},
      {"gateway.networking.k8s.io", "httproutes", "HTTPRoute", "gateway.networking.k8s.io/v1"},
      {"", "services", "Service", "v1"},
      {"", "pods", "Pod", "v1"},
      {"", "namespaces", "Namespace", "v1"},
  };
}

void ObjectIndex::publish(ObjectListing listing) {
  Contents contents;
  for (ListedObject& each : listing.objects)
    contents.kinds[{each.group, each.resource}][each.name_space].insert_or_assign(
        std::move(each.name), Object{std::move(each.labels), std::move(each.routes)});
  std::set<std::string> labels;
  for (NamespacedRoute& each : listing.routes) {
    for (const auto& [label, value] : each.route.labels) labels.insert(label);
    contents.routes[each.name_space].push_back(std::move(each.route));
  }
  contents_ = std::move(contents);
  route_labels_.assign(labels.begin(), labels.end());
}

const ObjectIndex::Objects* ObjectIndex::objects_like(const ObjectQuery& query) const {
  const auto kind = contents_->kinds.find({query.group, query.resource});
  if (kind == contents_->kinds.end()) return nullptr;
  const auto found = kind->second.find(query.name_space);
  return found == kind->second.end() ? nullptr : &found->second;
}

Result<std::vector<ResolvedObject>> ObjectIndex::whole_namespace(const ObjectQuery& query) const {
  const auto found = contents_->routes.find(query.name);
  if (found == contents_->routes.end()) return not_found(query);
  ResolvedObject object{query.name, {}};
  for (const LabelledRoute& route : found->second) object.routes.push_back({route});
  return std::vector<ResolvedObject>{std::move(object)};
}

Result<std::vector<ResolvedObject>> ObjectIndex::find(const ObjectQuery& query) {
  if (!contents_) return not_synced();
  if (query.resource == "namespaces" && query.group.empty()) return whole_namespace(query);
  const Objects* objects = objects_like(query);
  if (query.name != "*") {
    const auto found = objects == nullptr ? Objects::const_iterator() : objects->find(query.name);
    if (objects == nullptr || found == objects->end()) return not_found(query);
    return std::vector<ResolvedObject>{{found->first, found->second.routes}};
  }
  if (objects == nullptr) return not_found(query);
  for (const std::string& key : query.labels.keys())
    if (std::ranges::none_of(*objects,
                             [&key](const auto& each) { return each.second.labels.contains(key); }))
      return failure(ErrorCode::bad_request, Side::downstream,
                     "no " + query.resource + " of the namespace has a label " + key);
  std::vector<ResolvedObject> selected;
  for (const auto& [name, object] : *objects)
    if (query.labels.matches(object.labels)) selected.push_back({name, object.routes});
  return selected;
}

Result<std::vector<LabelledRoute>> ObjectIndex::routes_of(std::string_view name_space) {
  if (!contents_) return not_synced();
  const auto found = contents_->routes.find(name_space);
  return found == contents_->routes.end() ? std::vector<LabelledRoute>{} : found->second;
}

}  // namespace gateway::custom_metrics
