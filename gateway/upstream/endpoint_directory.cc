#include "gateway/upstream/endpoint_directory.h"

#include <algorithm>
#include <set>

namespace gateway::upstream {
namespace {

bool holds(const EndpointSet& set, const Endpoint* endpoint) {
  return std::ranges::any_of(
      set.entries, [endpoint](const SetEntry& entry) { return entry.endpoint.get() == endpoint; });
}

bool is_name(const config::Endpoint& endpoint) {
  return !IpAddress::parse(endpoint.host).has_value();
}

}  // namespace

void EndpointDirectory::configure(const config::SharedList<config::Upstream>& upstreams) {
  std::map<std::string, Group, std::less<>> before = std::move(groups_);
  groups_.clear();
  std::vector<std::string_view> stale;
  for (const config::Upstream& upstream : upstreams) {
    auto node = before.extract(upstream.name);
    Group& group = groups_[upstream.name];
    if (!node.empty()) group = std::move(node.mapped());
    // When anything else changed that a set is made from, it was made anew then.
    if (!group.set || group.wanted != upstream.endpoints ||
        group.discovered != upstream.discovered || group.private_ != upstream.private_)
      stale.push_back(upstream.name);
    group.wanted = upstream.endpoints;
    group.discovered = upstream.discovered;
    group.private_ = upstream.private_;
  }
  std::erase_if(supplied_, [this](const auto& entry) {
    const auto group = groups_.find(entry.first);
    return group == groups_.end() || !group->second.discovered;
  });
  const std::vector<std::string> wanted = names();
  std::erase_if(answers_, [&wanted](const auto& answer) {
    return !std::ranges::binary_search(wanted, answer.first);
  });
  std::ranges::sort(stale);
  for (const std::string_view name : stale) {
    const auto group = groups_.find(name);
    rebuild(group->first, group->second);
  }
}

void EndpointDirectory::resolved(std::string_view host, std::vector<IpAddress> addresses) {
  if (addresses.empty()) return;
  std::ranges::sort(addresses);
  auto& answer = answers_[std::string(host)];
  if (answer == addresses) return;
  answer = std::move(addresses);
  for (auto& [name, group] : groups_)
    if (std::ranges::any_of(group.wanted, [host](const auto& e) { return e.host == host; }))
      rebuild(name, group);
}

void EndpointDirectory::supply(std::string_view upstream, SuppliedEndpoints endpoints) {
  auto known = supplied_.find(upstream);
  if (known == supplied_.end()) known = supplied_.emplace(upstream, nullptr).first;
  auto& supplied = known->second;
  if (supplied == endpoints || (supplied && *supplied == *endpoints)) return;
  supplied = std::move(endpoints);
  const auto group = groups_.find(upstream);
  if (group != groups_.end() && group->second.discovered) rebuild(group->first, group->second);
}

void EndpointDirectory::reserve(std::set<SocketAddress> addresses) {
  if (reserved_ == addresses) return;
  reserved_ = std::move(addresses);
  for (auto& [name, group] : groups_) rebuild(name, group);
}

std::vector<std::string> EndpointDirectory::names() const {
  std::set<std::string> names;
  for (const auto& [name, group] : groups_)
    for (const config::Endpoint& endpoint : group.wanted)
      if (is_name(endpoint)) names.insert(endpoint.host);
  return {names.begin(), names.end()};
}

EndpointSetPtr EndpointDirectory::find(std::string_view upstream) const {
  const auto it = groups_.find(upstream);
  return it == groups_.end() ? nullptr : it->second.set;
}

std::vector<EndpointSetPtr> EndpointDirectory::all() const {
  std::vector<EndpointSetPtr> sets;
  for (const auto& [name, group] : groups_) sets.push_back(group.set);
  return sets;
}

void EndpointDirectory::rebuild(std::string_view name, Group& group) {
  auto set = std::make_shared<EndpointSet>();
  set->entries = collect(name, group);
  if (group.set && group.set->entries == set->entries) return;
  if (group.set && set->entries.empty() && awaits_answer(group)) return;
  set->upstream = name;
  set->version = group.set ? group.set->version + 1 : 1;
  set->load = group.set ? group.set->load : std::make_shared<UpstreamLoad>();
  // Those that join others start slowly; where there was nothing, all are new alike.
  if (group.set && !group.set->entries.empty())
    for (const SetEntry& entry : set->entries)
      if (!holds(*group.set, entry.endpoint.get())) entry.endpoint->start_slowly(clock_.now());
  group.set = std::move(set);
  if (publish_) publish_(group.set);
}

bool EndpointDirectory::awaits_answer(const Group& group) const {
  return std::ranges::any_of(group.wanted, [this](const config::Endpoint& endpoint) {
    return endpoint.weight != 0 && is_name(endpoint) && !answers_.contains(endpoint.host);
  });
}

// A weight of 0 takes an endpoint out; an address that is named twice counts once, as first named.
std::vector<SetEntry> EndpointDirectory::collect(std::string_view name, const Group& group) {
  std::vector<SetEntry> entries;
  std::set<SocketAddress> seen;
  const auto admits = [&](const SocketAddress& address, std::uint32_t weight) {
    if (weight == 0 || (!group.private_ && reserved_.contains(address))) return false;
    return seen.insert(address).second;
  };
  const auto add = [&](const IpAddress& ip, const config::Endpoint& endpoint) {
    const SocketAddress address(ip, endpoint.port);
    if (!admits(address, endpoint.weight)) return;
    entries.push_back({registry_.obtain(name, address, endpoint.host), endpoint.weight});
  };
  if (const auto it = supplied_.find(name); group.discovered && it != supplied_.end())
    for (const SuppliedEndpoint& endpoint : *it->second)
      if (admits(endpoint.address, endpoint.weight))
        entries.push_back({registry_.obtain(name, endpoint.address,
                                            endpoint.address.ip().to_string(), endpoint.uid),
                           endpoint.weight});
  for (const config::Endpoint& endpoint : group.wanted) {
    if (const auto ip = IpAddress::parse(endpoint.host)) {
      add(*ip, endpoint);
    } else if (const auto it = answers_.find(endpoint.host); it != answers_.end()) {
      for (const IpAddress& address : it->second) add(address, endpoint);
    }
  }
  std::ranges::sort(entries, {}, [](const SetEntry& entry) { return entry.endpoint->address(); });
  return entries;
}

}  // namespace gateway::upstream
