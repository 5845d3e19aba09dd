#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/upstream/endpoint.h"
#include "gateway/upstream/limits.h"

namespace gateway::upstream {

/// An endpoint's place in a set. Weights belong to the set, so that they change with it.
struct SetEntry {
  std::shared_ptr<Endpoint> endpoint;
  std::uint32_t weight = 1;  ///< at least 1

  bool operator==(const SetEntry&) const = default;  // the same endpoint object, not an equal one
};

/// Which endpoints an upstream has, at one moment: immutable, made on the control thread, handed to
/// every worker apart from the snapshot. Whoever lists the endpoints (YAML, DNS, EndpointSlices)
/// ends in this one shape. Health is not in it: that lives in the endpoints and changes at once.
struct EndpointSet {
  std::string upstream;
  std::uint64_t version = 0;      ///< rises with each set of this upstream
  std::vector<SetEntry> entries;  ///< sorted by address, so that all workers and replicas agree
  std::shared_ptr<UpstreamLoad> load;  ///< the upstream's process-wide counts; never null
};

using EndpointSetPtr = std::shared_ptr<const EndpointSet>;

}  // namespace gateway::upstream
