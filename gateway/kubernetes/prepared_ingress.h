#pragma once

#include <memory>
#include <optional>
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
  /// Of the object's `tls`, parallel: the Secret; nothing where none is named or may be read.
  std::vector<std::optional<ObjectName>> certificates;
  /// Edits of header fields on its routes, null for none; those over TLS, of a host with TLS, tell
  /// of HSTS.
  std::shared_ptr<const config::PolicySettings> edits;
  std::shared_ptr<const config::PolicySettings> edits_with_hsts;
  /// It has no good version: its paths answer 503.
  bool refused = false;

  const IngressPlan& plan() const { return *outcome.plan; }
  const ObjectMeta& meta() const { return object->meta; }
};
using PreparedPtr = std::shared_ptr<const PreparedIngress>;

/// What is wrong with it is in `outcome.refusals`.
std::shared_ptr<PreparedIngress> prepare(std::shared_ptr<const Ingress> object, const Store& store,
                                         const TranslatorSettings& settings);
/// Whether `now` asks for a login that `before` has no word of: then `before` would be open to whom
/// the owner wants kept out.
bool adds_login(const Ingress& now, const Ingress& before);
/// As much of a refused Ingress as can be claimed, so that nothing else answers on its paths.
void claim_what_is_readable(PreparedIngress& prepared);

}  // namespace gateway::kubernetes
