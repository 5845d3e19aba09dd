#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "gateway/kubernetes/load_balancer.h"
#include "gateway/kubernetes/object_watch.h"

namespace gateway::kubernetes {

/// The addresses of the nodes on which the pods of a Service serve (and do not end), by its
/// EndpointSlices: of each node those of type ExternalIP, or where it has none those of type
/// InternalIP. Nothing is fatal: what is refused or unreachable is tried again, see problem(). One
/// thread.
class NodeAddresses final : private WatchSink {
 public:
  /// What they are now, never an empty list: while a slice or a node is yet unknown, no pod serves
  /// (a rolling restart of all) or no node has an address, those told before stay good. Must not
  /// destroy this.
  using Changed = std::function<void(LoadBalancerAddresses)>;

  /// `timers`, `random` and `api` outlive it.
  NodeAddresses(TimerWheel& timers, Random& random, Api& api, const ObjectName& service,
                Changed changed);
  void start() { slices_watch_.start(); }
  /// Why they are not being followed, or that there is none to show; empty when all is well. For
  /// logs and status pages.
  std::string problem() const;

 private:
  struct Node {
    std::unique_ptr<ObjectWatch> watch;
    LoadBalancerAddresses addresses;
  };
  using Names = std::set<std::string>;

  void on_replace(const std::vector<WatchedObject>& objects) override;
  void on_upsert(const WatchedObject& object) override;
  void on_delete(const WatchedObject& object) override;
  void follow_nodes();
  void tell() const;

  TimerWheel& timers_;
  Random& random_;
  Api& api_;
  const ObjectName service_;
  const Changed changed_;
  std::map<std::string, Names, std::less<>> slices_;  ///< nodes by slice
  std::map<std::string, Node> nodes_;
  Watch slices_watch_;
};

}  // namespace gateway::kubernetes
