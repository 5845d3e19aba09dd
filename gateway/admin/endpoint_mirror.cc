#include "gateway/admin/endpoint_mirror.h"

namespace gateway::admin {

void EndpointMirror::update(Instant now) {
  std::map<Key, std::shared_ptr<EndpointCells>> current;
  for (const upstream::EndpointSetPtr& set : directory_.all()) {
    for (const upstream::SetEntry& entry : set->entries) {
      const upstream::Endpoint& endpoint = *entry.endpoint;
      auto node = cells_.extract(Key(set->upstream, endpoint.label()));
      std::shared_ptr<EndpointCells> cells =
          node.empty() ? control_.endpoint(set->upstream, endpoint.label()) : node.mapped();
      cells->healthy.set(endpoint.healthy() ? 1 : 0);
      cells->ejected.set(endpoint.ejected(now) ? 1 : 0);
      current.emplace(Key(set->upstream, endpoint.label()), std::move(cells));
    }
  }
  // What is left has gone out of its set: neither healthy nor kept out.
  for (auto& [key, cells] : cells_) {
    cells->healthy.set(0);
    cells->ejected.set(0);
  }
  cells_ = std::move(current);
}

}  // namespace gateway::admin
