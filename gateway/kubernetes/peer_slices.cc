#include "gateway/kubernetes/peer_slices.h"

#include <utility>

#include "gateway/kubernetes/table_watch.h"

namespace gateway::kubernetes {

Collection slices_of(const ObjectName& service) {
  Collection collection =
      collection_of("/apis/discovery.k8s.io/v1", "endpointslices", {service.namespace_, {}});
  collection.label_selector = "kubernetes.io/service-name=" + service.name;
  return collection;
}

PeerSlices::PeerSlices(TimerWheel& timers, Random& random, Api& api, const ObjectName& service,
                       std::string port, Changed changed)
    : port_(std::move(port)),
      changed_(std::move(changed)),
      watch_(timers, random, api, slices_of(service), *this) {}

void PeerSlices::on_replace(const std::vector<WatchedObject>& objects) {
  slices_.clear();
  for (const WatchedObject& each : objects)
    if (auto slice = EndpointSlice::parse(each.json))
      slices_.insert_or_assign(std::string(each.name), std::move(*slice));
  tell();
}

void PeerSlices::on_upsert(const WatchedObject& object) {
  auto slice = EndpointSlice::parse(object.json);
  if (!slice) return;
  slices_.insert_or_assign(std::string(object.name), std::move(*slice));
  tell();
}

void PeerSlices::on_delete(const WatchedObject& object) {
  const auto found = slices_.find(object.name);
  if (found != slices_.end()) slices_.erase(found);
  tell();
}

void PeerSlices::add(const EndpointSlice& slice, std::map<std::string, Replica>& replicas) const {
  for (const SlicePort& port : slice.ports) {
    if (port.name != port_) continue;
    for (const SliceEndpoint& endpoint : slice.endpoints) {
      if (endpoint.addresses.empty()) continue;
      const auto ip = IpAddress::parse(endpoint.addresses.front());
      if (!ip) continue;
      const SocketAddress address(*ip, port.port);
      const std::string uid =
          endpoint.target_uid.empty() ? address.to_string() : endpoint.target_uid;
      replicas.try_emplace(uid, Replica{uid, address, endpoint.terminating});
    }
  }
}

void PeerSlices::tell() const {
  std::map<std::string, Replica> replicas;
  for (const auto& [name, slice] : slices_) add(slice, replicas);
  std::vector<Replica> list;
  for (auto& [uid, replica] : replicas) list.push_back(std::move(replica));
  changed_(std::move(list));
}

}  // namespace gateway::kubernetes
