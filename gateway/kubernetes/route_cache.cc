#include "gateway/kubernetes/route_cache.h"

namespace gateway::kubernetes {
namespace {

void hold(const PreparedIngress* ingress, std::vector<PreparedPtr>& owners) {
  if (ingress != nullptr && (owners.empty() || owners.back().get() != ingress))
    owners.push_back(ingress->shared_from_this());
}

}  // namespace

// Ingresses are immutable and held: equal addresses are equal contents.
bool WrittenHost::is_of(const HostPlan& plan) const {
  return first == plan.first && app_root == plan.app_root && www_redirect == plan.www_redirect &&
         tls == plan.tls && locations == plan.locations && aliases == plan.aliases;
}

const WrittenHost* RouteCache::find(const std::string& host, const HostPlan& plan) {
  if (!plan.made_patterns.empty()) return nullptr;
  const auto known = hosts_.find(host);
  if (known == hosts_.end() || !known->second.written.is_of(plan)) return nullptr;
  known->second.used = true;
  return &known->second.written;
}

WrittenHost* RouteCache::begin(const std::string& host, const HostPlan& plan) {
  if (!plan.made_patterns.empty()) return nullptr;
  Entry& entry = hosts_[host];
  entry = {};
  entry.used = true;
  WrittenHost& written = entry.written;
  written.first = plan.first;
  written.locations = plan.locations;
  written.aliases = plan.aliases;
  written.app_root = plan.app_root;
  written.www_redirect = plan.www_redirect;
  written.tls = plan.tls;
  hold(plan.first, written.owners);
  for (const Location& location : plan.locations) {
    hold(location.owner, written.owners);
    hold(location.canary, written.owners);
  }
  hold(plan.app_root, written.owners);
  hold(plan.www_redirect, written.owners);
  return &written;
}

void RouteCache::drop_unused() {
  std::erase_if(hosts_, [](const auto& each) { return !each.second.used; });
  for (auto& [host, entry] : hosts_) entry.used = false;
}

}  // namespace gateway::kubernetes
