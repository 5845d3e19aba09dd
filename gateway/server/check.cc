#include "gateway/server/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gateway/server/access_log_file.h"
#include "gateway/server/cluster_service.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/listeners.h"
#include "gateway/server/policy_tables.h"
#include "gateway/server/upstream_files.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {
namespace {

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// What only the layers above the reader can tell, as a start would find it; sockets are not opened.
config::Problems compile(const config::LoadedModel& loaded) {
  net::TlsLibrary library;
  net::CertificateStore store;
  ProcessCompileServices services;
  std::vector<Error> kept;
  std::vector<config::Finding> findings;
  Listeners(1, library, store).load(loaded.model, false, findings, kept);
  load_upstream_files(loaded.model, library, store, nullptr, findings, kept);
  check_access_log(loaded.model.access_log, findings);
  if (loaded.model.cluster)
    if (auto cluster = ClusterService::prepare(*loaded.model.cluster, library, store); !cluster)
      findings.push_back(std::move(cluster.error()));
  const auto shared = std::make_shared<const config::Model>(loaded.model);
  if (auto snapshot = snapshot::compile(shared, 1, nullptr, services); !snapshot)
    std::ranges::move(snapshot.error(), std::back_inserter(findings));
  return loaded.sources.problems(std::move(findings));
}

}  // namespace

Checked check_configuration(const std::string& file, const config::Environment& environment,
                            bool colour) {
  auto loaded = config::load_file(file, policy_tables(), environment);
  const config::Problems problems = loaded ? compile(*loaded) : std::move(loaded.error());
  Checked checked;
  for (const config::Problem& problem : problems)
    checked.problems += config::format(problem, colour);
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
