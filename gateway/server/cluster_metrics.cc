#include "gateway/server/cluster_metrics.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "gateway/kubernetes/table_watch.h"
#include "gateway/server/compile_services.h"

namespace gateway::server {
namespace {

using custom_metrics::ListedObject;
using custom_metrics::ObjectKind;
using kubernetes::ObjectName;

constexpr const char* kCustomApi = "v1beta2.custom.metrics.k8s.io";
constexpr const char* kExternalApi = "v1beta1.external.metrics.k8s.io";
/// Of the headless Service.
constexpr const char* kPeersPort = "peers";

std::vector<ObjectKind> kinds() {
  return {
      {"networking.k8s.io", "ingresses", "Ingress", "networking.k8s.io/v1"},
      {"", "services", "Service", "v1"},
      {"", "pods", "Pod", "v1", true},
      {"", "namespaces", "Namespace", "v1"},
  };
}

Result<SocketAddress> address_of(std::string_view flag, const std::string& text) {
  auto address = SocketAddress::parse(text);
  if (address) return address;
  return failure(ErrorCode::invalid_argument, Side::internal,
                 fmt::format("{}: {}", flag, address.error().detail));
}

}  // namespace

custom_metrics::ObjectListing listing_of(const kubernetes::Translation& translation) {
  std::map<ObjectName, ListedObject> ingresses;
  std::map<ObjectName, ListedObject> services;
  const auto slot = [](auto& objects, const ObjectName& name, const char* group,
                       const char* resource) -> ListedObject& {
    const auto [found, fresh] = objects.try_emplace(name);
    if (fresh) found->second = {group, resource, name.namespace_, name.name};
    return found->second;
  };
  for (const ObjectName& name : *translation.ours)
    slot(ingresses, name, "networking.k8s.io", "ingresses");
  custom_metrics::ObjectListing listing;
  for (std::size_t i = 0; i < translation.routes.size(); ++i) {
    const kubernetes::RouteOrigin& origin = translation.origins[i];
    custom_metrics::LabelledRoute labelled{translation.routes[i].name,
                                           {{"ingress", origin.ingress.name}}};
    if (!origin.service.name.empty()) labelled.labels["service"] = origin.service.name;
    slot(ingresses, origin.ingress, "networking.k8s.io", "ingresses").routes.push_back({labelled});
    if (!origin.service.name.empty())
      slot(services, origin.service, "", "services").routes.push_back({labelled});
    listing.routes.push_back({origin.ingress.namespace_, std::move(labelled)});
  }
  for (auto* objects : {&ingresses, &services})
    for (auto& [name, object] : *objects) listing.objects.push_back(std::move(object));
  return listing;
}

ClusterMetrics::ClusterMetrics(Parts parts, const MetricsOptions& options, std::string name_space)
    : parts_(std::move(parts)),
      options_(options),
      name_space_(std::move(name_space)),
      peers_name_(custom_metrics::service_name(options.peers_service, name_space_)),
      objects_(kinds()),
      pod_names_(parts_.loop, parts_.api),
      target_(objects_, pod_names_, parts_.pods),
      cluster_(parts_.loop, parts_.registry, [this] { return readers_token(); }),
      access_(parts_.loop, parts_.api),
      authorizer_(access_),
      metrics_api_(parts_.loop, parts_.library, cluster_.sum(), target_, authorizer_),
      authority_(parts_.loop.timers(), parts_.loop.random(), parts_.api,
                 {name_space_, options.secret},
                 {custom_metrics::service_name(options.service, name_space_), peers_name_},
                 {parts_.may_write,
                  [this](const custom_metrics::ServingMaterial& made) { on_material(made); },
                  parts_.remark}),
      front_proxy_(parts_.loop.timers(), parts_.loop.random(), parts_.api,
                   kubernetes::collection_of("/api/v1", "configmaps",
                                             {"kube-system", "extension-apiserver-authentication"}),
                   [this](std::string_view object) { on_front_proxy(object); }),
      peers_(parts_.loop.timers(), parts_.loop.random(), parts_.api,
             {name_space_, options.peers_service}, kPeersPort,
             [this](std::vector<kubernetes::Replica> replicas) { on_peers(std::move(replicas)); }) {
  metrics_api_.serve_external(options.external);
  std::vector<std::string> apis{kCustomApi};
  if (options.external) apis.emplace_back(kExternalApi);
  for (const std::string& each : apis)
    api_services_.push_back(std::make_unique<kubernetes::ApiServiceWriter>(
        parts_.loop.timers(), parts_.loop.random(), parts_.api, each,
        ObjectName{name_space_, options.service}, parts_.may_write, parts_.remark));
}

Result<void> ClusterMetrics::open() {
  const auto listen = address_of("--metrics-listen", options_.listen);
  if (!listen) return tl::make_unexpected(listen.error());
  const auto peers_listen = address_of("--peers-listen", options_.peers_listen);
  if (!peers_listen) return tl::make_unexpected(peers_listen.error());
  if (auto opened = metrics_api_.open(*listen); !opened) return opened;
  return cluster_.open(*peers_listen);
}

void ClusterMetrics::start() {
  authority_.start();
  front_proxy_.start();
  peers_.start();
  for (auto& each : api_services_) each->start();
}

void ClusterMetrics::add_problems(std::vector<std::string>& problems) const {
  const auto add = [&](const std::string& problem) {
    if (!problem.empty()) problems.push_back(problem);
  };
  add(authority_.problem());
  add(front_proxy_.problem());
  add(peers_.problem());
  for (const auto& each : api_services_) add(each->problem());
}

// Most changes leave the names as they were.
bool ClusterMetrics::lists_the_same(const kubernetes::Translation& translation) const {
  const auto& routes = translation.routes;
  if (!ours_ || *ours_ != *translation.ours || origins_ != translation.origins) return false;
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (routes_.share(i) != routes.share(i) && routes_[i].name != routes[i].name) return false;
  return true;
}

void ClusterMetrics::publish(const kubernetes::Translation& translation) {
  if (!lists_the_same(translation)) objects_.publish(listing_of(translation));
  ours_ = translation.ours;
  routes_ = translation.routes;
  origins_ = translation.origins;
  target_.pods_changed();
}

void ClusterMetrics::reconsider() {
  authority_.reconsider();
  for (auto& each : api_services_) each->reconsider();
}

void ClusterMetrics::on_material(const custom_metrics::ServingMaterial& material) {
  for (auto& each : api_services_) each->set_authorities(material.trusted);
  if (auto used = metrics_api_.use_certificate(material.own); !used)
    parts_.remark(used.error().detail);
  auto prepared =
      ClusterService::prepare(material, peers_name_, parts_.library, parts_.certificates);
  if (!prepared) return parts_.remark(prepared.error().detail);
  cluster_.use(std::move(*prepared));
}

void ClusterMetrics::on_front_proxy(std::string_view config_map) {
  if (config_map.empty())
    return parts_.remark(
        "there is no ConfigMap kube-system/extension-apiserver-authentication, so nobody can be "
        "believed to be the API server: metrics are not served to it");
  const auto object = kubernetes::ConfigMap::parse(config_map);
  if (!object) return parts_.remark(object.error().detail);
  auto proxy = custom_metrics::read_front_proxy(object->data);
  if (!proxy) return parts_.remark(proxy.error().detail);
  if (auto used = metrics_api_.use_front_proxy(std::move(*proxy)); !used)
    parts_.remark(used.error().detail);
}

void ClusterMetrics::on_peers(std::vector<kubernetes::Replica> replicas) {
  std::vector<custom_metrics::Peer> peers;
  for (kubernetes::Replica& each : replicas)
    peers.push_back({std::move(each.uid), each.address, each.terminating});
  cluster_.publish_peers(std::move(peers));
}

std::string ClusterMetrics::readers_token() const {
  if (options_.readers_token_file.empty()) return {};
  auto token = ProcessCompileServices::read_secret({options_.readers_token_file, {}});
  return token ? *token : std::string();
}

}  // namespace gateway::server
