#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gateway/upstream/endpoint.h"

namespace gateway::upstream {

/// Every endpoint that is in use or was within the last five minutes, so that an endpoint keeps its
/// state from one endpoint set to the next, and comes back with its numbers. Control thread only.
class EndpointRegistry {
 public:
  /// How long an endpoint that no set names any more is remembered (and its metrics are shown).
  static constexpr Duration kRetention = std::chrono::minutes(5);

  /// The endpoint of that identity (upstream, address, host, uid), made if it is not known.
  std::shared_ptr<Endpoint> obtain(std::string_view upstream, const SocketAddress& address,
                                   std::string_view host, std::string_view uid = {});

  /// Forgets endpoints that for kRetention nobody has held or used; returns them, for whoever keeps
  /// something per endpoint. Call about once a minute.
  std::vector<std::shared_ptr<Endpoint>> sweep(Instant now);

  /// Calls `visit(Endpoint&)` for each.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, entry] : entries_) visit(*entry.endpoint);
  }
  std::size_t size() const { return entries_.size(); }

 private:
  /// Texts are the endpoint's own.
  using Key = std::tuple<std::string_view, SocketAddress, std::string_view, std::string_view>;
  struct Entry {
    std::shared_ptr<Endpoint> endpoint;
    std::optional<Instant> unused_since;
  };
  using Entries = std::map<Key, Entry>;

  std::shared_ptr<const std::string> name_of(std::string_view upstream,
                                             Entries::const_iterator at) const;

  Entries entries_;
};

}  // namespace gateway::upstream
