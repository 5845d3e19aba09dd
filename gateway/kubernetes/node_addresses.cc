#include "gateway/kubernetes/node_addresses.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/peer_slices.h"
#include "gateway/kubernetes/table_watch.h"

namespace gateway::kubernetes {
namespace {

using Names = std::set<std::string>;

/// Of a slice the nodes with endpoints that are ready. Left out means ready.
std::optional<Names> read_nodes(std::string_view slice) {
  auto names = read_json<Names>(slice, "EndpointSlice", [](const JsonValue& root) {
    Names found;
    root["endpoints"].each([&](const JsonValue& endpoint) {
      std::string node = endpoint["nodeName"].text();
      if (!node.empty() && endpoint["conditions"]["ready"].flag().value_or(true))
        found.insert(std::move(node));
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
      if (type == "ExternalIP") external.push_back({item["address"].text(), {}});
      if (type == "InternalIP") internal.push_back({item["address"].text(), {}});
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
  changed_(std::move(all));
}

std::string NodeAddresses::problem() const {
  if (!slices_watch_.problem().empty()) return slices_watch_.problem();
  for (const auto& [name, node] : nodes_)
    if (!node.watch->problem().empty()) return node.watch->problem();
  return {};
}

}  // namespace gateway::kubernetes
