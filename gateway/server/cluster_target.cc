#include "gateway/server/cluster_target.h"

#include <utility>

#include "gateway/custom_metrics/rings_report.h"

namespace gateway::server {
namespace {

using custom_metrics::ObjectQuery;
using custom_metrics::ResolvedObject;
using kubernetes::PodNames;

bool is_of_pods(const ObjectQuery& query) {
  return query.group.empty() && query.resource == "pods";
}

ResolvedObject pod_at(const std::string& name, const std::set<SocketAddress>& addresses) {
  ResolvedObject pod{name, {}};
  for (const SocketAddress& each : addresses)
    pod.routes.push_back({{custom_metrics::endpoint_series(each.to_string())}});
  return pod;
}

}  // namespace

Result<std::vector<ResolvedObject>> ClusterTarget::find(const ObjectQuery& query) {
  if (!is_of_pods(query)) return objects_.find(query);
  if (!query.labels.empty())
    return failure(ErrorCode::no_endpoint, Side::internal, "the labels of pods are not known");
  return pods(query, nullptr);
}

Result<std::vector<ResolvedObject>> ClusterTarget::pods(const ObjectQuery& query,
                                                        const PodNames::Names* only) {
  if (!known_)
    return failure(ErrorCode::no_endpoint, Side::internal, "the cluster's pods are not read yet",
                   true);
  if (std::exchange(stale_, false)) pods_ = read_();
  const bool all = query.name == "*";
  std::vector<ResolvedObject> found;
  bool any = false;
  for (auto at = pods_.lower_bound({query.name_space, all ? std::string() : query.name});
       at != pods_.end() && at->first.namespace_ == query.name_space; ++at) {
    const std::string& name = at->first.name;
    if (!all && name != query.name) break;
    any = true;
    if (only == nullptr || only->contains(name)) found.push_back(pod_at(name, at->second));
  }
  if (any) return found;
  return failure(ErrorCode::not_found, Side::downstream,
                 "pods \"" + query.name + "\" not found behind what is served");
}

void ClusterTarget::look_up(const ObjectQuery& query, Found found) {
  if (!is_of_pods(query) || query.labels.empty()) return found(find(query));
  // Whoever has no pods here learns nothing of others.
  if (auto some = pods(query, nullptr); !some) return found(some);
  names_.ask(query.name_space, query.labels.to_string(),
             [this, query, found = std::move(found)](const Result<PodNames::Names>& names) {
               if (!names) return found(tl::make_unexpected(names.error()));
               found(pods(query, &*names));
             });
}

}  // namespace gateway::server
