#include "gateway/server/check.h"

#include <fmt/format.h>

#include "gateway/net/certificate_files.h"
#include "gateway/server/compile_services.h"
#include "gateway/server/policy_tables.h"
#include "gateway/snapshot/snapshot.h"

namespace gateway::server {
namespace {

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

config::Problem problem_of(const std::string& file, std::string path, const Error& error) {
  config::Problem problem;
  problem.place.file = file;
  problem.path = std::move(path);
  problem.message = error.detail.empty() ? error.to_string() : error.detail;
  return problem;
}

// What only the layers above the reader can tell.
config::Problems compile(const std::string& file, const config::LoadedModel& loaded) {
  config::Problems problems;
  net::CertificateStore store;
  const config::Model& model = loaded.model;
  for (std::size_t i = 0; i < model.listeners.size(); ++i) {
    if (!model.listeners[i].tls) continue;
    const auto pairs = net::load_certificates(model.listeners[i].tls->certificates, store);
    if (pairs) continue;
    const std::string path = fmt::format("listeners[{}]", i);
    config::Problem& problem =
        problems.emplace_back(problem_of(file, path + ".tls.certificates", pairs.error()));
    if (const auto place = loaded.sources.find(path)) problem.place = *place;
  }
  ProcessCompileServices services;
  const auto shared = std::make_shared<const config::Model>(model);
  if (auto snapshot = snapshot::compile(shared, 1, nullptr, services); !snapshot)
    problems.push_back(problem_of(file, {}, snapshot.error()));
  return problems;
}

}  // namespace

Checked check_configuration(const std::string& file, const config::Environment& environment,
                            bool colour) {
  auto loaded = config::load_file(file, policy_tables(), environment);
  const config::Problems problems = loaded ? compile(file, *loaded) : std::move(loaded.error());
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
