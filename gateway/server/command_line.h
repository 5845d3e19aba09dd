#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/server/certs_options.h"
#include "gateway/server/kubernetes_options.h"

namespace gateway::server {

/// What the program is asked to do.
struct CommandLine {
  enum class Action : std::uint8_t {
    run,
    check,
    health,
    explain,
    schema,
    reference,
    metrics,
    annotations,
    annotation_policy,
    ingress_report,
    certs
  };
  Action action = Action::run;
  /// File; empty where a table is printed, and where a cluster is all there is.
  std::string config;
  std::string explain_request;               ///< "POST https://host/jobs"
  std::vector<std::string> explain_headers;  ///< "name: value"
  /// Set where a cluster is served, or reported on.
  std::optional<KubernetesOptions> kubernetes;
  std::vector<std::string> report_paths;  ///< of manifests; empty: a cluster is reported on
  CertsOptions certs;
};

/// Nothing to do but to print and go: help, version, or a sentence on what is wrong with the flags.
struct Farewell {
  std::string text;
  int status = 0;  ///< other than 0: the text belongs on standard error
};

std::variant<CommandLine, Farewell> parse_command_line(int argc, const char* const* argv);

}  // namespace gateway::server
