#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/kubernetes/objects.h"
#include "gateway/kubernetes/watch.h"

namespace gateway::kubernetes {

/// A replica as the EndpointSlices of our own headless Service list it.
struct Replica {
  std::string uid;  ///< its pod's; the address where there is none
  SocketAddress address;
  bool terminating = false;
  bool operator==(const Replica&) const = default;
};

/// The EndpointSlices of one Service.
Collection slices_of(const ObjectName& service);

/// Follows those slices. A pod that has addresses of two families is listed once, by the first of
/// them in order. One thread.
class PeerSlices final : private WatchSink {
 public:
  /// Sorted by uid. Must not destroy this.
  using Changed = std::function<void(std::vector<Replica>)>;

  /// `port`: the name that it has in the Service. All outlive it.
  PeerSlices(TimerWheel& timers, Random& random, Api& api, const ObjectName& service,
             std::string port, Changed changed);
  void start() { watch_.start(); }
  const std::string& problem() const { return watch_.problem(); }

 private:
  void on_replace(const std::vector<WatchedObject>& objects) override;
  void on_upsert(const WatchedObject& object) override;
  void on_delete(const WatchedObject& object) override;
  void tell() const;
  void add(const EndpointSlice& slice, std::map<std::string, Replica>& replicas) const;

  const std::string port_;
  const Changed changed_;
  std::map<std::string, EndpointSlice, std::less<>> slices_;  ///< by name
  Watch watch_;
};

}  // namespace gateway::kubernetes
