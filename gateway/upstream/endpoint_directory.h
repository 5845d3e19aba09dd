#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/config/model.h"
#include "gateway/upstream/endpoint_registry.h"
#include "gateway/upstream/endpoint_set.h"

namespace gateway::upstream {

/// An endpoint that somebody outside of the configuration found (an EndpointSlice).
struct SuppliedEndpoint {
  SocketAddress address;
  std::uint32_t weight = 1;
  std::string uid;  ///< tells two owners of one address apart
  auto operator<=>(const SuppliedEndpoint&) const = default;
};
/// All of one upstream; never null.
using SuppliedEndpoints = std::shared_ptr<const std::vector<SuppliedEndpoint>>;

/// Makes the endpoint sets of all upstreams from the configured lists, the answers of DNS and what
/// others supply, and tells when one changed. Control thread only.
///
/// A discovered upstream has what was supplied for it last, nothing included: whoever supplies
/// knows of every endpoint that went.
///
/// A name that was never resolved adds no endpoint; one that was keeps its last answer while
/// look-ups fail or find nothing. Where a new configuration names nothing but names without an
/// answer, the set stays that the upstream had before, until the first answer. So a set never
/// empties because DNS is down, or because a name is new or misspelt.
class EndpointDirectory {
 public:
  /// Hears of every new set, from within the call that made it; posts it to the workers.
  using Publish = std::function<void(const EndpointSetPtr&)>;

  EndpointDirectory(EndpointRegistry& registry, const Clock& clock)
      : registry_(registry), clock_(clock) {}
  void on_change(Publish publish) { publish_ = std::move(publish); }

  /// The upstreams of a new configuration replace all earlier ones. Unchanged sets are not
  /// published again; sets of upstreams that are gone are forgotten.
  void configure(const config::SharedList<config::Upstream>& upstreams);

  /// DNS answered, with at least one address. An empty answer counts as a failed look-up.
  void resolved(std::string_view host, std::vector<IpAddress> addresses);

  /// Replaces the endpoints of a discovered upstream. May come before the configuration that names
  /// the upstream: then it is kept for the next configure(), so that a new upstream never has a
  /// moment without endpoints.
  void supply(std::string_view upstream, SuppliedEndpoints endpoints);

  /// Addresses of private upstreams that were found outside of the configuration: from now on no
  /// upstream that routes may name gets one of them, wherever a name may resolve to.
  void reserve(std::set<SocketAddress> addresses);

  /// Names that need resolving, each once, sorted.
  std::vector<std::string> names() const;

  /// Null when there is no such upstream. Its set may be empty.
  EndpointSetPtr find(std::string_view upstream) const;
  std::vector<EndpointSetPtr> all() const;

 private:
  struct Group {
    std::vector<config::Endpoint> wanted;
    bool discovered = false;
    bool private_ = false;
    EndpointSetPtr set;
  };
  void rebuild(std::string_view name, Group& group);
  std::vector<SetEntry> collect(std::string_view name, const Group& group);
  bool awaits_answer(const Group& group) const;

  EndpointRegistry& registry_;
  const Clock& clock_;
  Publish publish_;
  std::map<std::string, Group, std::less<>> groups_;
  std::map<std::string, std::vector<IpAddress>, std::less<>> answers_;
  std::map<std::string, SuppliedEndpoints, std::less<>> supplied_;
  std::set<SocketAddress> reserved_;
};

}  // namespace gateway::upstream
