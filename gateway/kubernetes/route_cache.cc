#include "gateway/kubernetes/route_cache.h"

#include <utility>

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

void RouteCache::pass() {
  if (std::exchange(next_->second.used, false))
    ++next_;
  else
    next_ = hosts_.erase(next_);
}

const WrittenHost* RouteCache::find(const std::string& host, const HostPlan& plan) {
  while (next_ != hosts_.end() && next_->first < host) pass();
  const bool known = next_ != hosts_.end() && next_->first == host;
  if (!known || !plan.made_patterns.empty() || !next_->second.written.is_of(plan)) return nullptr;
  next_->second.used = true;
  return &next_->second.written;
}

WrittenHost* RouteCache::begin(const std::string& host, const HostPlan& plan) {
  if (!plan.made_patterns.empty()) return nullptr;
  next_ = hosts_.try_emplace(next_, host);
  Entry& entry = next_->second;
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
  while (next_ != hosts_.end()) pass();
  next_ = hosts_.begin();
}

}  // namespace gateway::kubernetes
