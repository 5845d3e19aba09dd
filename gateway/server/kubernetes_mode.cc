#include "gateway/server/kubernetes_mode.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "gateway/config/environment.h"
#include "gateway/kubernetes/cluster_access.h"
#include "gateway/server/cluster_routes.h"
#include "gateway/server/default_certificate.h"

namespace gateway::server {
namespace {

using kubernetes::ObjectName;

constexpr Duration kProblemsEvery = std::chrono::seconds(5);

Result<std::optional<ObjectName>> object_of(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::optional<ObjectName>();
  const auto slash = text.find('/');
  const bool good = slash != std::string::npos && slash != 0 && slash + 1 != text.size() &&
                    text.find('/', slash + 1) == std::string::npos;
  if (!good) return invalid_argument(fmt::format("{} {}: write it as namespace/name", flag, text));
  return std::optional(ObjectName{text.substr(0, slash), text.substr(slash + 1)});
}

Result<kubernetes::TranslatorSettings> translator_settings(const KubernetesOptions& options,
                                                           const config::Model& base) {
  kubernetes::TranslatorSettings settings;
  if (!options.controller.empty()) settings.controller = options.controller;
  settings.also_classes = options.also_classes;
  settings.classless = options.classless;
  for (const config::Listener& listener : base.listeners) {
    (listener.tls ? settings.tls_listeners : settings.plain_listeners).push_back(listener.name);
    settings.told_schemes = settings.told_schemes || !listener.trusted_proxies.empty();
  }
  auto certificate = object_of("--default-certificate", options.default_certificate);
  if (!certificate) return tl::make_unexpected(certificate.error());
  settings.default_certificate = *certificate;
  const auto port = options.default_backend.rfind(':');
  auto backend = object_of("--default-backend", options.default_backend.substr(0, port));
  if (!backend) return tl::make_unexpected(backend.error());
  if (*backend && (port == std::string::npos || port + 1 == options.default_backend.size()))
    return invalid_argument(fmt::format("--default-backend {}: write it as namespace/service:port",
                                        options.default_backend));
  settings.default_backend = options.default_backend;
  settings.allow_external_names = options.external_names;
  return settings;
}

// A pod's name is its host's name.
std::string own_name(const config::Environment& environment) {
  if (const auto name = environment("POD_NAME"); name && !name->empty()) return *name;
  char host[256] = {};
  return ::gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0' ? host : "gateway";
}

Result<kubernetes::ControllerSettings> controller_settings(const KubernetesOptions& options,
                                                           const config::Model& base,
                                                           const kubernetes::ClusterAccess& access,
                                                           const config::Environment& environment,
                                                           Random& random) {
  kubernetes::ControllerSettings settings;
  auto translator = translator_settings(options, base);
  if (!translator) return tl::make_unexpected(translator.error());
  settings.translator = std::move(*translator);
  settings.namespaces = options.watch_namespaces;
  auto service = object_of("--publish-service", options.publish_service);
  if (!service) return tl::make_unexpected(service.error());
  settings.publish_service = *service;
  if (settings.publish_service && !options.publish_addresses.empty())
    return invalid_argument(
        "--publish-address has no effect beside --publish-service: leave one out");
  for (const std::string& each : options.publish_addresses)
    settings.publish_addresses.push_back(kubernetes::LoadBalancerAddress::parse(each));
  std::sort(settings.publish_addresses.begin(), settings.publish_addresses.end());
  settings.shadow = options.shadow;
  // Nobody grants the right to read nodes for what is never written.
  if (!options.shadow)
    settings.publish_nodes_of =
        kubernetes::ObjectName{access.namespace_name, options.metrics.peers_service};
  // The same pod may come back under its name after a crash: it is another holder of the Lease.
  settings.identity = fmt::format("{}_{:08x}", own_name(environment), random.next() & 0xffffffffU);
  settings.own_namespace = access.namespace_name;
  return settings;
}

}  // namespace

Result<std::unique_ptr<KubernetesMode>> KubernetesMode::make(Parts parts,
                                                             const KubernetesOptions& options,
                                                             const config::Model& base) {
  EventLoop& loop = parts.loop;
  const config::Environment environment = config::process_environment();
  const auto access = kubernetes::find_cluster_access({options.kubeconfig, environment});
  if (!access) return tl::make_unexpected(access.error());
  auto settings = controller_settings(options, base, *access, environment, loop.random());
  if (!settings) return tl::make_unexpected(settings.error());
  settings->certificates = &parts.certificates;
  auto self_made = make_default_certificate();
  if (!self_made) return tl::make_unexpected(self_made.error());
  auto api = kubernetes::ApiClient::make(loop, parts.library, *access);
  if (!api) return tl::make_unexpected(api.error());
  auto mode = std::unique_ptr<KubernetesMode>(new KubernetesMode(std::move(parts)));
  mode->self_made_ = std::make_shared<const config::PemPair>(std::move(*self_made));
  mode->api_ = std::move(*api);
  kubernetes::ControllerListener& listener = *mode;
  mode->controller_ = std::make_unique<kubernetes::Controller>(
      loop.timers(), loop.random(), mode->clock_, *mode->api_, std::move(*settings), listener);
  if (!options.metrics.service.empty()) mode->make_metrics(options.metrics, *access);
  mode->on_remark(
      fmt::format("serving the cluster at {}, as {} says", access->server(), access->origin));
  return mode;
}

KubernetesMode::KubernetesMode(Parts parts)
    : parts_(std::move(parts)),
      problem_timer_(Callback<>::bind<&KubernetesMode::look_for_problems>(this)) {}

KubernetesMode::~KubernetesMode() = default;

void KubernetesMode::make_metrics(const MetricsOptions& options,
                                  const kubernetes::ClusterAccess& access) {
  metrics_ = std::make_unique<ClusterMetrics>(
      ClusterMetrics::Parts{parts_.loop, parts_.library, parts_.certificates, parts_.registry,
                            *api_, [this] { return controller_->is_leader(); },
                            [this](const std::string& remark) { on_remark(remark); },
                            [this] { return controller_->pods(); }},
      options, access.namespace_name);
}

Result<void> KubernetesMode::open() { return metrics_ ? metrics_->open() : Result<void>(); }

void KubernetesMode::start() {
  controller_->start();
  if (metrics_) metrics_->start();
  problem_timer_.arm(parts_.loop.timers(), kProblemsEvery);
}

void KubernetesMode::look_for_problems() {
  // What was made on the way has left holes that nothing will fill while all stays as it is.
  if (looks_until_trim_ > 0 && --looks_until_trim_ == 0) ::malloc_trim(0);
  std::vector<std::string> now = controller_->problems();
  if (metrics_) metrics_->add_problems(now);
  for (const std::string& each : now)
    if (std::find(problems_.begin(), problems_.end(), each) == problems_.end()) on_remark(each);
  if (now.empty() && !problems_.empty()) on_remark("all is well again");
  problems_ = std::move(now);
  problem_timer_.arm(parts_.loop.timers(), kProblemsEvery);
}

void KubernetesMode::on_translation(std::shared_ptr<const kubernetes::Translation> translation) {
  translation_ = std::move(translation);
  looks_until_trim_ = 2;
  endpoints_ = {translation_->endpoints, translation_->reserved};
  supply();
  if (metrics_) metrics_->publish(*translation_);
  parts_.changed();
}

void KubernetesMode::on_endpoints(kubernetes::Translator::EndpointUpdate update) {
  endpoints_ = std::move(update);
  supply();
  if (metrics_) metrics_->endpoints_changed();
}

void KubernetesMode::on_leadership() {
  if (metrics_) metrics_->reconsider();
}

void KubernetesMode::on_remark(const std::string& remark) {
  std::fprintf(stderr, "gateway: kubernetes: %s\n", remark.c_str());
}

void KubernetesMode::supply() const {
  parts_.directory.reserve(endpoints_.reserved);
  for (const auto& [upstream, endpoints] : endpoints_.endpoints)
    parts_.directory.supply(upstream, endpoints);
}

void KubernetesMode::add_to(config::Model& model) const {
  static const kubernetes::Translation none;
  add_translation(model, translation_ ? *translation_ : none, self_made_);
}

void KubernetesMode::drain() {
  controller_->release([] {});
}

void add_translation(config::Model& model, const kubernetes::Translation& translation,
                     const std::shared_ptr<const config::PemPair>& self_made) {
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add_cluster_routes(model, translation);
  model.upstreams.append(translation.upstreams);
  for (config::Listener& listener : model.listeners) {
    if (!listener.tls) continue;
    auto& certificates = listener.tls->certificates;
    // The first is shown to those who ask for a host that has none.
    if (certificates.empty() && !translation.has_default_certificate)
      certificates.push_back({{}, {}, {}, self_made});
    append(certificates, translation.certificates);
  }
}

std::string default_kubernetes_configuration() {
  return R"(version: 1
process:
  drain: {delay: 15s, deadline: 60s}
status: {address: ":9902"}
listeners:
  - {name: http, address: ":8080"}
  - {name: https, address: ":8443", tls: {}}
filters:
  - {type: request_id}
routes: []
)";
}

namespace {

config::Finding entrance_finding(std::string path, std::string what, std::string before) {
  return {std::move(path),
          fmt::format("{}, which cannot change while the gateway serves a cluster: its routes name "
                      "the listeners",
                      what),
          fmt::format("{}, or a restart of the gateway", before)};
}

}  // namespace

std::vector<config::Finding> changed_entrances(const config::Model& before,
                                               const config::Model& after) {
  std::vector<config::Finding> findings;
  const auto find = [](const config::Model& model, const std::string& name) {
    return std::find_if(model.listeners.begin(), model.listeners.end(),
                        [&](const config::Listener& each) { return each.name == name; });
  };
  const auto path_of = [&](auto listener) {
    return fmt::format("listeners[{}]", listener - after.listeners.begin());
  };
  for (auto now = after.listeners.begin(); now != after.listeners.end(); ++now) {
    const auto known = find(before, now->name);
    if (known == before.listeners.end())
      findings.push_back(entrance_finding(
          path_of(now), fmt::format("listener {} is new", now->name), "no such listener"));
    else if (known->tls.has_value() != now->tls.has_value())
      findings.push_back(entrance_finding(
          path_of(now) + ".tls",
          fmt::format("listener {} {} TLS", now->name, now->tls ? "begins to have" : "has no more"),
          now->tls ? "no TLS" : "TLS"));
  }
  for (const config::Listener& known : before.listeners)
    if (find(after, known.name) == after.listeners.end())
      findings.push_back(entrance_finding(
          "listeners", fmt::format("listener {} is gone", known.name), known.name));
  const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
  if (!findings.empty() || std::equal(before.listeners.begin(), before.listeners.end(),
                                      after.listeners.begin(), after.listeners.end(), same_name))
    return findings;
  std::string order;
  for (const config::Listener& each : before.listeners)
    order += fmt::format("{}{}", order.empty() ? "" : ", ", each.name);
  findings.push_back(
      entrance_finding("listeners", "listeners stand in another order", std::move(order)));
  return findings;
}

}  // namespace gateway::server
