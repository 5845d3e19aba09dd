#include "gateway/server/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gateway/server/access_log_file.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/default_certificate.h"
#include "gateway/server/listeners.h"
#include "gateway/server/policy_tables.h"
#include "gateway/server/upstream_files.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {
namespace {

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// As the cluster would bring one.
void add_default_certificate(config::Model& model, std::vector<config::Finding>& findings) {
  const auto made = make_default_certificate();
  if (!made) return findings.push_back({"listeners", made.error().detail});
  const auto pair = std::make_shared<const config::PemPair>(*made);
  for (config::Listener& listener : model.listeners)
    if (listener.tls && listener.tls->certificates.empty())
      listener.tls->certificates.push_back({{}, {}, {}, pair});
}

// What only the layers above the reader can tell, as a start would find it; sockets are not opened.
config::Problems compile(const config::LoadedModel& loaded, bool kubernetes) {
  net::TlsLibrary library;
  net::CertificateStore store;
  ProcessCompileServices services;
  std::vector<Error> kept;
  std::vector<config::Finding> findings;
  const auto shared = std::make_shared<config::Model>(loaded.model);
  if (kubernetes) add_default_certificate(*shared, findings);
  Listeners(1, library, store).load(*shared, false, findings, kept);
  load_upstream_files(*shared, library, store, nullptr, findings, kept);
  check_access_log(shared->access_log, findings);
  if (shared->cluster)
    if (auto cluster = ClusterService::prepare(*shared->cluster, library, store); !cluster)
      findings.push_back(std::move(cluster.error()));
  if (auto snapshot = snapshot::compile(shared, 1, nullptr, services); !snapshot)
    std::ranges::move(snapshot.error(), std::back_inserter(findings));
  return loaded.sources.problems(std::move(findings));
}

}  // namespace

Checked check_configuration(const std::string& file, const config::Environment& environment,
                            bool colour, bool kubernetes) {
  auto loaded = config::load_file(file, policy_tables(), environment);
  const config::Problems problems =
      loaded ? compile(*loaded, kubernetes) : std::move(loaded.error());
  Checked checked;
  checked.problems = config::format_all(problems, colour);
  if (!problems.empty()) {
    checked.status = 1;
    checked.problems += fmt::format("{}\n", counted(problems.size(), "problem"));
    return checked;
  }
  const config::Model& model = loaded->model;
  checked.ok = fmt::format("config ok: {}, {}, {}\n", counted(model.listeners.size(), "listener"),
                           counted(model.upstreams.size(), "upstream"),
                           counted(model.routes.size(), "route"));
  return checked;
}

}  // namespace gateway::server
