#include "gateway/upstream/endpoint_gauges.h"

namespace gateway::upstream {

void EndpointGauges::refresh(MetricsShard& control, const EndpointDirectory& directory,
                             Instant now) {
  auto before = std::move(cells_);
  cells_.clear();
  for (const EndpointSetPtr& set : directory.all()) {
    for (const SetEntry& entry : set->entries) {
      const Endpoint& endpoint = *entry.endpoint;
      auto node = before.extract(entry.endpoint);
      const auto cells = node.empty() ? control.endpoint(endpoint.upstream(), endpoint.label())
                                      : std::move(node.mapped());
      cells->healthy.set(endpoint.healthy() ? 1 : 0);
      cells->ejected.set(endpoint.ejected(now) ? 1 : 0);
      cells_.emplace(entry.endpoint, cells);
    }
  }
  for (auto& [endpoint, cells] : before) {
    cells->healthy.set(0);
    cells->ejected.set(0);
  }
}

}  // namespace gateway::upstream
