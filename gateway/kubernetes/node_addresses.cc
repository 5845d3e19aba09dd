#include "gateway/kubernetes/node_addresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/peer_slices.h"
#include "gateway/kubernetes/table_watch.h"

namespace gateway::kubernetes {
namespace {

using Names = std::set<std::string>;

// Not by `ready`: of a Service that publishes addresses that are not ready, it is true of each of
// them, of pods that start and of those that end too.
bool serves(const JsonValue& conditions) {
  const bool ready = conditions["ready"].flag().value_or(true);
  return conditions["serving"].flag().value_or(ready) &&
         !conditions["terminating"].flag().value_or(false);
}

/// Of a slice the nodes with endpoints that serve.
std::optional<Names> read_nodes(std::string_view slice) {
  auto names = read_json<Names>(slice, "EndpointSlice", [](const JsonValue& root) {
    Names found;
    root["endpoints"].each([&](const JsonValue& endpoint) {
      std::string node = endpoint["nodeName"].text();
      if (!node.empty() && serves(endpoint["conditions"])) found.insert(std::move(node));
    });
    return found;
  });
  if (!names) return std::nullopt;
  return std::move(*names);
}

LoadBalancerAddresses read_addresses(std::string_view node) {
  LoadBalancerAddresses external;
  LoadBalancerAddresses internal;
  const auto read = read_json<bool>(node, "Node", [&](const JsonValue& root) {
    root["status"]["addresses"].each([&](const JsonValue& item) {
      const std::string type = item["type"].text();
      LoadBalancerAddress address = LoadBalancerAddress::parse(item["address"].text());
      if (address.ip.empty()) return;
      if (type == "ExternalIP")
        external.push_back(std::move(address));
      else if (type == "InternalIP")
        internal.push_back(std::move(address));
    });
    return true;
  });
  if (!read) return {};
  return external.empty() ? internal : external;
}

}  // namespace

NodeAddresses::NodeAddresses(TimerWheel& timers, Random& random, Api& api,
                             const ObjectName& service, Changed changed)
    : timers_(timers),
      random_(random),
      api_(api),
      service_(service),
      changed_(std::move(changed)),
      slices_watch_(timers, random, api, slices_of(service), *this) {}

void NodeAddresses::on_replace(const std::vector<WatchedObject>& objects) {
  slices_.clear();
  for (const WatchedObject& each : objects)
    if (auto names = read_nodes(each.json))
      slices_.insert_or_assign(std::string(each.name), std::move(*names));
  follow_nodes();
}

void NodeAddresses::on_upsert(const WatchedObject& object) {
  auto names = read_nodes(object.json);
  if (!names) return;
  slices_.insert_or_assign(std::string(object.name), std::move(*names));
  follow_nodes();
}

void NodeAddresses::on_delete(const WatchedObject& object) {
  const auto found = slices_.find(object.name);
  if (found != slices_.end()) slices_.erase(found);
  follow_nodes();
}

void NodeAddresses::follow_nodes() {
  Names wanted;
  for (const auto& [slice, names] : slices_) wanted.insert(names.begin(), names.end());
  std::erase_if(nodes_, [&](const auto& each) { return !wanted.contains(each.first); });
  for (const std::string& name : wanted) {
    Node& node = nodes_[name];
    if (node.watch) continue;
    node.watch = std::make_unique<ObjectWatch>(
        timers_, random_, api_, collection_of("/api/v1", "nodes", {{}, name}),
        [this, &node](std::string_view object) {
          node.addresses = object.empty() ? LoadBalancerAddresses() : read_addresses(object);
          tell();
        });
    node.watch->start();
  }
  tell();
}

void NodeAddresses::tell() const {
  LoadBalancerAddresses all;
  for (const auto& [name, node] : nodes_) {
    if (!node.watch->synced()) return;
    all.insert(all.end(), node.addresses.begin(), node.addresses.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (!all.empty()) changed_(std::move(all));
}

std::string NodeAddresses::problem() const {
  if (!slices_watch_.problem().empty()) return slices_watch_.problem();
  if (!slices_watch_.synced()) return {};
  if (nodes_.empty())
    return fmt::format(
        "no pod of Service {} serves on a node: the addresses of Ingresses stay as they are",
        service_.to_string());
  for (const auto& [name, node] : nodes_) {
    if (!node.watch->problem().empty()) return node.watch->problem();
    if (node.watch->synced() && node.addresses.empty())
      return fmt::format("node {} has no address for Ingresses to show", name);
  }
  return {};
}

}  // namespace gateway::kubernetes
