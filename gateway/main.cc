#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "gateway/config/loader.h"
#include "gateway/config/reference.h"
#include "gateway/config/schema.h"
#include "gateway/kubernetes/annotation_reference.h"
#include "gateway/metrics/exposition.h"
#include "gateway/net/openssl_memory.h"
#include "gateway/server/certs_command.h"
#include "gateway/server/check.h"
#include "gateway/server/command_line.h"
#include "gateway/server/control.h"
#include "gateway/server/explain.h"
#include "gateway/server/health.h"
#include "gateway/server/ingress_report_command.h"
#include "gateway/server/policy_tables.h"

namespace {

using gateway::server::CommandLine;

void print(std::FILE* file, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

int check(const CommandLine& line) {
  const auto checked = gateway::server::check_configuration(
      line.config, gateway::config::process_environment(), ::isatty(STDERR_FILENO) == 1,
      line.kubernetes.has_value());
  print(stdout, checked.ok);
  print(stderr, checked.problems);
  return checked.status;
}

int health(const CommandLine& line) {
  const auto loaded = gateway::config::load_file(line.config, gateway::server::policy_tables(),
                                                 gateway::config::process_environment());
  if (!loaded) return check(line);
  const auto& status = loaded->model.status.address;
  const auto& address = status ? status : loaded->model.admin.address;
  if (!address) {
    print(stderr,
          "gateway: " + line.config + " has neither a status nor an admin address to ask\n");
    return 1;
  }
  if (const auto well = gateway::server::ask_health(*address); !well) {
    print(stderr, "gateway: " + well.error().detail + "\n");
    return 1;
  }
  return 0;
}

int explain(const CommandLine& line) {
  const auto loaded = gateway::config::load_file(line.config, gateway::server::policy_tables(),
                                                 gateway::config::process_environment());
  if (!loaded) return check(line);
  const auto text =
      gateway::server::explain(loaded->model, line.explain_request, line.explain_headers);
  if (!text) {
    print(stderr, "gateway: " + text.error().detail + "\n");
    return 1;
  }
  print(stdout, *text);
  return 0;
}

int ingress_report(const CommandLine& line) {
  const auto report = gateway::server::ingress_report_of(line.report_paths, *line.kubernetes);
  if (!report) {
    print(stderr, "gateway: " + report.error().detail + "\n");
    return 1;
  }
  print(stdout, *report);
  return 0;
}

int certs(const CommandLine& line) {
  const auto outcome = gateway::server::make_certificates(line.certs, std::time(nullptr));
  print(stdout, outcome.lines);
  print(stderr, outcome.remarks);
  if (outcome.problem.empty()) return 0;
  std::fflush(stdout);
  print(stderr, "gateway: " + outcome.problem + "\n");
  return 1;
}

int act(const CommandLine& line) {
  switch (line.action) {
    case CommandLine::Action::schema:
      print(stdout, gateway::config::json_schema(gateway::server::policy_tables()));
      return 0;
    case CommandLine::Action::reference:
      print(stdout, gateway::config::reference_page(gateway::server::policy_tables()));
      return 0;
    case CommandLine::Action::metrics: print(stdout, gateway::metrics_reference()); return 0;
    case CommandLine::Action::annotations:
      print(stdout, gateway::kubernetes::annotation_reference());
      return 0;
    case CommandLine::Action::annotation_policy:
      print(stdout, gateway::kubernetes::admission_policy());
      return 0;
    case CommandLine::Action::check: return check(line);
    case CommandLine::Action::health: return health(line);
    case CommandLine::Action::explain: return explain(line);
    case CommandLine::Action::ingress_report: return ingress_report(line);
    case CommandLine::Action::certs: return certs(line);
    case CommandLine::Action::run: break;
  }
  gateway::server::Control control(line.config, line.kubernetes);
  return control.run();
}

}  // namespace

int main(int argc, char** argv) {
  gateway::net::keep_openssl_blocks();
  const auto parsed = gateway::server::parse_command_line(argc, argv);
  if (const auto* farewell = std::get_if<gateway::server::Farewell>(&parsed)) {
    print(farewell->status == 0 ? stdout : stderr, farewell->text);
    return farewell->status;
  }
  return act(std::get<CommandLine>(parsed));
}
