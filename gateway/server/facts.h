#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/metrics/facts.h"
#include "gateway/net/certificate_set.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/listeners.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {

/// What the facts are read from; null: it is not there, or not yet.
struct FactSources {
  const Listeners* listeners = nullptr;
  const snapshot::Snapshot* snapshot = nullptr;  ///< for what upstreams are shown
  ClusterService* cluster = nullptr;
};

/// Brings `facts` up to date, but for the build. For Registry::before_read.
void read_facts(const FactSources& sources, Facts& facts);

/// Adds what the clients of one listener may be shown.
void add_shown(std::string_view listener, const net::CertificateSet& certificates,
               std::vector<CertificateFact>& facts);

}  // namespace gateway::server
