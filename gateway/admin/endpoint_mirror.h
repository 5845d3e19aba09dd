#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "gateway/metrics/registry.h"
#include "gateway/upstream/endpoint_directory.h"

namespace gateway::admin {

/// Copies the health of all endpoints, which is process-wide state, into gauges of the control
/// shard, and holds the endpoints' series while they are in a set. Give it to
/// Registry::before_read.
class EndpointMirror {
 public:
  EndpointMirror(MetricsShard& control, const upstream::EndpointDirectory& directory)
      : control_(control), directory_(directory) {}
  void update(Instant now);

 private:
  using Key = std::pair<std::string, std::string>;
  MetricsShard& control_;
  const upstream::EndpointDirectory& directory_;
  std::map<Key, std::shared_ptr<EndpointCells>> cells_;
};

}  // namespace gateway::admin
