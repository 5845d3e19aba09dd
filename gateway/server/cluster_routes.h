#pragma once

#include "gateway/config/model.h"
#include "gateway/kubernetes/translation.h"

namespace gateway::server {

/// Adds the routes of the cluster to what the file says. Filters of every route that ask for a
/// login become filters of each route, first of its own, but of those that are open. A route of the
/// cluster that asks clients for certificates where the file does answers 503.
void add_cluster_routes(config::Model& model, const kubernetes::Translation& translation);

}  // namespace gateway::server
