#pragma once

#include <map>
#include <memory>

#include "gateway/metrics/registry.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::upstream {

/// Shows the health of every endpoint of the current sets as gauges of the control thread's shard.
/// Control thread only.
class EndpointGauges {
 public:
  /// Call before each reading of the registry (Registry::before_read).
  void refresh(MetricsShard& control, const EndpointDirectory& directory, Instant now);

 private:
  /// Held while the endpoint is in a set: its series goes some time after it has left.
  std::map<std::shared_ptr<Endpoint>, std::shared_ptr<EndpointCells>> cells_;
};

}  // namespace gateway::upstream
