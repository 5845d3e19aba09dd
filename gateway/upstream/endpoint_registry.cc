#include "gateway/upstream/endpoint_registry.h"

#include <iterator>

namespace gateway::upstream {

std::shared_ptr<Endpoint> EndpointRegistry::obtain(std::string_view upstream,
                                                   const SocketAddress& address,
                                                   std::string_view host, std::string_view uid) {
  const Key asked(upstream, address, host, uid);
  const auto at = entries_.lower_bound(asked);
  if (at != entries_.end() && at->first == asked) {
    at->second.unused_since.reset();
    return at->second.endpoint;
  }
  auto made = std::make_shared<Endpoint>(name_of(upstream, at), address, std::string(host),
                                         std::string(uid));
  const Key key(made->upstream(), made->address(), made->host(), made->uid());
  return entries_.emplace_hint(at, key, Entry{std::move(made), {}})->second.endpoint;
}

// Neighbours in order are of the same upstream, if there are any.
std::shared_ptr<const std::string> EndpointRegistry::name_of(std::string_view upstream,
                                                             Entries::const_iterator at) const {
  if (at != entries_.end() && at->second.endpoint->upstream() == upstream)
    return at->second.endpoint->shared_upstream();
  if (at != entries_.begin() && std::prev(at)->second.endpoint->upstream() == upstream)
    return std::prev(at)->second.endpoint->shared_upstream();
  return std::make_shared<const std::string>(upstream);
}

std::vector<std::shared_ptr<Endpoint>> EndpointRegistry::sweep(Instant now) {
  std::vector<std::shared_ptr<Endpoint>> gone;
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    // Nobody else holds it: no set that could hand it out, so the counts can only fall.
    const bool used = entry.endpoint.use_count() > 1 || !entry.endpoint->idle();
    if (used) {
      entry.unused_since.reset();
    } else if (!entry.unused_since) {
      entry.unused_since = now;
    } else if (now - *entry.unused_since >= kRetention) {
      gone.push_back(std::move(entry.endpoint));
      it = entries_.erase(it);
      continue;
    }
    ++it;
  }
  return gone;
}

}  // namespace gateway::upstream
