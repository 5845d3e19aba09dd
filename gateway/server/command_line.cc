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
  bool health = false;
  bool schema = false;
  bool reference = false;
  bool metrics = false;
  bool annotations = false;
  bool annotation_policy = false;
  bool kubernetes = false;
  bool ingress_report = false;
  bool certs = false;
  KubernetesOptions cluster;
};

void declare_kubernetes(CLI::App& app, Flags& flags) {
  auto* group = app.add_option_group("Kubernetes");
  auto* on = group->add_flag("--kubernetes", flags.kubernetes,
                             "Serve the Ingresses of a cluster, besides what --config says");
  KubernetesOptions& cluster = flags.cluster;
  const auto text = [&](const char* name, std::string& to, const char* form, const char* help) {
    group->add_option(name, to, help)->type_name(form)->needs(on);
  };
  const auto list = [&](const char* name, std::vector<std::string>& to, const char* form,
                        const char* help) {
    group->add_option(name, to, help)->type_name(form)->needs(on)->allow_extra_args(false);
  };
  const auto flag = [&](const char* name, bool& to, const char* help) {
    group->add_flag(name, to, help)->needs(on);
  };
  text("--kubeconfig", cluster.kubeconfig, "FILE",
       "How to reach the cluster; left out: KUBECONFIG, else the pod's service account");
  list("--watch-namespace", cluster.watch_namespaces, "NAMESPACE",
       "Serve only the objects of this namespace; may be repeated");
  text("--controller", cluster.controller, "NAME",
       "The controller that IngressClasses of ours name (gateway.ingress/controller)");
  list("--also-class", cluster.also_classes, "CLASS",
       "Serve Ingresses of this class too, whoever's it is; may be repeated");
  flag("--classless", cluster.classless, "Serve Ingresses that name no class");
  text("--publish-service", cluster.publish_service, "NAMESPACE/NAME",
       "The Service whose addresses Ingresses show as theirs; left out, and --publish-address too: "
       "those of the nodes on which pods of --peers-service serve, which needs the right to list "
       "and watch nodes");
  list("--publish-address", cluster.publish_addresses, "ADDRESS",
       "An address or name that Ingresses show as theirs; may be repeated");
  text("--default-certificate", cluster.default_certificate, "NAMESPACE/SECRET",
       "Shown for hosts without a certificate of their own; left out: a self-made one");
  text("--default-backend", cluster.default_backend, "NAMESPACE/SERVICE:PORT",
       "Where requests go that no Ingress takes; left out: 404");
  flag("--external-names", cluster.external_names, "Let Services of type ExternalName be backends");
  MetricsOptions& metrics = cluster.metrics;
  text("--metrics-service", metrics.service, "SERVICE",
       "Serve the custom metrics API behind this Service of our namespace; left out: not at all");
  text("--peers-service", metrics.peers_service, "SERVICE",
       "The headless Service of all replicas (gateway-peers)");
  text("--metrics-secret", metrics.secret, "SECRET",
       "Where the replicas keep the authority of their certificates (gateway-metrics)");
  text("--metrics-listen", metrics.listen, "ADDRESS", "Where the API server asks (:6443)");
  text("--peers-listen", metrics.peers_listen, "ADDRESS",
       "Where the replicas ask one another, and others read sums (:9903)");
  text("--readers-token-file", metrics.readers_token_file, "FILE",
       "Bearer token of those others; left out: they need a certificate of that authority");
  flag("--external-metrics", metrics.external, "Serve external.metrics.k8s.io too");
  flag("--shadow", cluster.shadow,
       "Write neither status nor Events: beside another controller of the same Ingresses");
}

void declare_ingress_report(CLI::App& app, Flags& flags) {
  auto* report = app.add_subcommand(
      "ingress-report",
      "Say which Ingresses would mean something else here than under ingress-nginx, and why");
  report
      ->add_option("path", flags.line.report_paths,
                   "Manifests, folders of them, or - for standard input; left out: a cluster is "
                   "read once")
      ->type_name("FILE");
  KubernetesOptions& cluster = flags.cluster;
  report
      ->add_option("--kubeconfig", cluster.kubeconfig,
                   "How to reach the cluster; left out: KUBECONFIG, else the pod's service account")
      ->type_name("FILE");
  report
      ->add_option("--watch-namespace", cluster.watch_namespaces,
                   "Read only this namespace; may be repeated")
      ->type_name("NAMESPACE")
      ->allow_extra_args(false);
  report
      ->add_option("--also-class", cluster.also_classes,
                   "Judge Ingresses of this class too; may be repeated")
      ->type_name("CLASS")
      ->allow_extra_args(false);
  report->add_flag("--classless", cluster.classless, "Judge Ingresses that name no class");
  report->callback([&flags] { flags.ingress_report = true; });
}

void declare_certs(CLI::App& app, Flags& flags) {
  CertsOptions& options = flags.line.certs;
  auto* certs = app.add_subcommand(
      "certs",
      "Make, and renew where it is due, the private authority and the certificates between gateway "
      "and services");
  const auto list = [&](const char* name, std::vector<std::string>& to, const char* help) {
    certs->add_option(name, to, help)
        ->type_name("NAME,...")
        ->delimiter(',')
        ->allow_extra_args(false);
  };
  certs->add_option("--out", options.out, "The folder; what is in it and still good stays")
      ->type_name("DIR")
      ->required();
  list("--service", options.services,
       "Who gets a certificate besides the gateway, by commas (app-a,app-b,hello,visitors)");
  list("--names", options.names,
       "DNS names and addresses in each of them, by commas, besides NAME and NAME.internal");
  list("--public", options.public_names,
       "Make an ECDSA and an RSA pair for these names too, in DIR/tls: for development, since "
       "only who is given DIR/ca.crt believes them");
  certs->add_option("--days", options.days, "How long what is made now is valid (90)")
      ->type_name("DAYS")
      ->check(CLI::Range(1, 3650));
  certs
      ->add_option("--renew-before", options.renew_before,
                   "Renew what ends within so many days (a third of --days)")
      ->type_name("DAYS")
      ->check(CLI::Range(1, 3650));
  certs
      ->add_option("--group", options.group,
                   "Let this group read new keys and tokens, those of authorities apart")
      ->type_name("GROUP");
  certs->add_flag("--force-ca", options.force_authority,
                  "Replace the authorities; the ones before stay trusted, and the next two runs "
                  "without this renew the certificates and end that trust");
  certs->callback([&flags] { flags.certs = true; });
}

void declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", version_line("gateway"), "Print the version");
  app.add_option("-c,--config", flags.line.config, "The configuration to run")->type_name("FILE");
  declare_kubernetes(app, flags);
  declare_ingress_report(app, flags);
  declare_certs(app, flags);
  auto* check = app.add_flag("--check", flags.check,
                             "Say everything that is wrong with the configuration; exit 1 if "
                             "anything is");
  auto* health = app.add_flag("--health", flags.health,
                              "Ask the gateway that runs this configuration here whether it is "
                              "well, at its status or admin address; exit 1 unless it says so");
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
  CLI::Option* const actions[] = {check,     health,  explain,     schema,
                                  reference, metrics, annotations, policy};
  for (CLI::Option* option : actions)
    for (CLI::Option* other : actions)
      if (option != other) option->excludes(other);
}

CommandLine::Action action_of(const Flags& flags) {
  if (flags.ingress_report) return CommandLine::Action::ingress_report;
  if (flags.certs) return CommandLine::Action::certs;
  if (flags.check) return CommandLine::Action::check;
  if (flags.health) return CommandLine::Action::health;
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
  if (flags.kubernetes || flags.ingress_report) flags.line.kubernetes = std::move(flags.cluster);
  using Action = CommandLine::Action;
  const Action action = flags.line.action;
  const bool needs_file = (action == Action::run && !flags.kubernetes) || action == Action::check ||
                          action == Action::health || action == Action::explain;
  if (needs_file && flags.line.config.empty()) return wrong_use("--config FILE is missing");
  return std::move(flags.line);
}

}  // namespace gateway::server
