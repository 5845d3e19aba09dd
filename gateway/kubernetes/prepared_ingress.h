#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/kubernetes/ingress_plan.h"
#include "gateway/kubernetes/path_pattern.h"

namespace gateway::kubernetes {

/// An Ingress with all that can be said of it without the others.
struct PreparedIngress {
  std::shared_ptr<const Ingress> object;
  PlanOutcome outcome;
  /// Parallel to the rules: host in lower case, and the paths' patterns.
  std::vector<std::string> hosts;
  std::vector<std::vector<PathPattern>> patterns;
  /// It has no good version: its paths answer 503.
  bool refused = false;

  const IngressPlan& plan() const { return outcome.plan; }
  const ObjectMeta& meta() const { return object->meta; }
};
using PreparedPtr = std::shared_ptr<const PreparedIngress>;

/// What is wrong with it is in `outcome.refusals`.
std::shared_ptr<PreparedIngress> prepare(std::shared_ptr<const Ingress> object, const Store& store,
                                         const TranslatorSettings& settings);
/// As much of a refused Ingress as can be claimed, so that nothing else answers on its paths.
void claim_what_is_readable(PreparedIngress& prepared);

}  // namespace gateway::kubernetes
