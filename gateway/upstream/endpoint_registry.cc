#include "gateway/upstream/endpoint_registry.h"

namespace gateway::upstream {

std::shared_ptr<Endpoint> EndpointRegistry::obtain(std::string_view upstream,
                                                   const SocketAddress& address,
                                                   std::string_view host, std::string_view uid) {
  if (const auto known = entries_.find(Key(upstream, address, host, uid));
      known != entries_.end()) {
    known->second.unused_since.reset();
    return known->second.endpoint;
  }
  auto made = std::make_shared<Endpoint>(std::string(upstream), address, std::string(host),
                                         std::string(uid));
  const Key key(made->upstream(), made->address(), made->host(), made->uid());
  return entries_.emplace(key, Entry{std::move(made), {}}).first->second.endpoint;
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
