#pragma once

#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/server/kubernetes_options.h"

namespace gateway::server {

/// What `gateway ingress-report` prints: kubernetes::ingress_report() of the objects of `paths`
/// (manifests as YAML or JSON, folders of them to any depth, "-" for standard input), or of a
/// cluster that is read once where there are none. Ingresses of ingress-nginx count as ours: they
/// are who would move. Blocks, at most half a minute for a cluster, which is written nothing to.
/// The error is a sentence.
Result<std::string> ingress_report_of(const std::vector<std::string>& paths,
                                      const KubernetesOptions& options);

}  // namespace gateway::server
