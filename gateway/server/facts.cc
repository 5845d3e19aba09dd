#include "gateway/server/facts.h"

#include <utility>

namespace gateway::server {
namespace {

CertificateFact fact_of(std::string_view use, std::string_view owner,
                        const net::Certificate& certificate) {
  const auto& names = certificate.names();
  return {std::string(use), std::string(owner),
          names.empty() ? certificate.subject() : names.front(), to_string(certificate.kind()),
          certificate.chain_ends()};
}

}  // namespace

void add_shown(std::string_view listener, const net::CertificateSet& certificates,
               std::vector<CertificateFact>& facts) {
  for (const net::Certificate* each : certificates.shown())
    facts.push_back(fact_of("listener", listener, *each));
}

void read_facts(const FactSources& sources, Facts& facts) {
  std::vector<CertificateFact> certificates;
  if (sources.listeners != nullptr)
    for (const auto& [name, set] : sources.listeners->certificates())
      if (set) add_shown(name, *set, certificates);
  if (sources.snapshot != nullptr)
    for (const auto& [name, files] : sources.snapshot->client_tls)
      if (files->certificate)
        certificates.push_back(fact_of("upstream", name, *files->certificate));
  facts.cluster.reset();
  if (sources.cluster != nullptr) {
    facts.cluster = sources.cluster->facts();
    if (const net::Certificate* own = sources.cluster->certificate())
      certificates.push_back(fact_of("cluster", "peers", *own));
  }
  facts.set_certificates(std::move(certificates));
}

}  // namespace gateway::server
