#pragma once

#include <string>

#include "gateway/kubernetes/cluster_access.h"

namespace gateway::kubernetes {

/// What the current context of a kubeconfig says. What we cannot do is refused by name with the
/// alternative: programs that make tokens (`exec`, `auth-provider`), passwords, impersonation,
/// proxies, and a server that nobody verifies. Relative paths start at the file's folder. The error
/// is "file:line:column: what is wrong: how to mend it" and never quotes a secret. Blocks on files.
Result<ClusterAccess> read_kubeconfig(const std::string& file);

/// The same from text; `file` is its name and what relative paths start from.
Result<ClusterAccess> parse_kubeconfig(const std::string& file, std::string text);

}  // namespace gateway::kubernetes
