#include "gateway/server/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "gateway/server/version.h"

namespace gateway::server {
namespace {

constexpr int kWrongUse = 2;

/// The flags as CLI11 fills them in.
struct Flags {
  CommandLine line;
  bool check = false;
  bool schema = false;
  bool reference = false;
  bool metrics = false;
  bool annotations = false;
  bool annotation_policy = false;
};

void declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", fmt::format("gateway {}", kVersion), "Print the version");
  app.add_option("-c,--config", flags.line.config, "The configuration to run")->type_name("FILE");
  auto* check = app.add_flag("--check", flags.check,
                             "Say everything that is wrong with the configuration; exit 1 if "
                             "anything is");
  auto* explain =
      app.add_option("--explain", flags.line.explain_request,
                     "Say which route 'POST https://host/path' takes and why, sending nothing")
          ->type_name("REQUEST");
  app.add_option("-H,--header", flags.line.explain_headers,
                 "'name: value' of the request to explain; may be repeated")
      ->type_name("HEADER")
      ->needs(explain)
      ->allow_extra_args(false);
  auto* schema =
      app.add_flag("--schema", flags.schema, "Print the configuration's JSON Schema, for editors");
  auto* reference = app.add_flag("--reference", flags.reference,
                                 "Print the configuration's reference page, as Markdown");
  auto* metrics = app.add_flag("--metrics-reference", flags.metrics,
                               "Print the reference page of all metrics, as Markdown");
  auto* annotations =
      app.add_flag("--annotation-reference", flags.annotations,
                   "Print the reference page of the annotations of an Ingress, as Markdown");
  auto* policy = app.add_flag("--annotation-policy", flags.annotation_policy,
                              "Print a ValidatingAdmissionPolicy for these annotations, as YAML");
  CLI::Option* const actions[] = {check, explain, schema, reference, metrics, annotations, policy};
  for (CLI::Option* option : actions)
    for (CLI::Option* other : actions)
      if (option != other) option->excludes(other);
}

CommandLine::Action action_of(const Flags& flags) {
  if (flags.check) return CommandLine::Action::check;
  if (flags.schema) return CommandLine::Action::schema;
  if (flags.reference) return CommandLine::Action::reference;
  if (flags.metrics) return CommandLine::Action::metrics;
  if (flags.annotations) return CommandLine::Action::annotations;
  if (flags.annotation_policy) return CommandLine::Action::annotation_policy;
  if (!flags.line.explain_request.empty()) return CommandLine::Action::explain;
  return CommandLine::Action::run;
}

Farewell wrong_use(std::string_view sentence) {
  return {fmt::format("gateway: {} (see gateway --help)\n", sentence), kWrongUse};
}

}  // namespace

std::variant<CommandLine, Farewell> parse_command_line(int argc, const char* const* argv) {
  CLI::App app("L7 HTTPS ingress gateway", "gateway");
  Flags flags;
  try {
    declare(app, flags);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Farewell{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Farewell{fmt::format("{}\n", version.what())};
  } catch (const CLI::Error& error) {
    return wrong_use(error.what());
  }
  flags.line.action = action_of(flags);
  using Action = CommandLine::Action;
  const Action action = flags.line.action;
  const bool needs_file =
      action == Action::run || action == Action::check || action == Action::explain;
  if (needs_file && flags.line.config.empty()) return wrong_use("--config FILE is missing");
  return std::move(flags.line);
}

}  // namespace gateway::server
