#include "gateway/kubernetes/host_book.h"

#include <algorithm>
#include <utility>

#include "gateway/kubernetes/client_certificates.h"

namespace gateway::kubernetes {

void HostBook::touch(Hosts::value_type& host) {
  if (!std::exchange(host.second.stale, true)) stale_.push_back(&host);
}

void HostBook::replace(const PreparedPtr& before, const PreparedPtr& after) {
  if (before) {
    for (const std::string& name : hosts_named_by(*before)) {
      auto& host = *hosts_.find(name);
      touch(host);
      std::erase(host.second.ingresses, before);
    }
    with_aliases_.erase(before);
    retired_.push_back(before);
  }
  if (!after) return;
  for (const std::string& name : hosts_named_by(*after)) {
    auto& host = *hosts_.try_emplace(name).first;
    touch(host);
    auto& list = host.second.ingresses;
    list.insert(std::upper_bound(list.begin(), list.end(), after, Older()), after);
  }
  if (!after->plan().aliases.empty() && !after->plan().canary) with_aliases_.insert(after);
}

void HostBook::mark(const PreparedIngress& ingress) {
  for (const std::string& name : hosts_named_by(ingress)) touch(*hosts_.find(name));
}

void HostBook::mark_all() {
  for (auto& host : hosts_) touch(host);
}

void HostBook::settle(const ClassSelection& classes, CertificateBook& certificates) {
  rebound_ = false;
  for (Hosts::value_type* host : std::exchange(stale_, {})) {
    merge(host->first, host->second, classes, certificates);
    if (host->second.ingresses.empty()) hosts_.erase(hosts_.find(host->first));
  }
  retired_.clear();
}

// Written routes are dropped with what they point into.
void HostBook::merge(const std::string& name, Host& host, const ClassSelection& classes,
                     CertificateBook& certificates) {
  host.stale = false;
  Notices notices;
  std::optional<HostPlan> plan = merge_host(name, host.ingresses, classes, notices);
  if (plan) settle_client_certificates(name, host.ingresses, *plan, notices);
  auto certificate = certificates.assign(name, host.ingresses, plan, notices);
  rebound_ = rebound_ || certificate != host.certificate;
  host.certificate = std::move(certificate);
  host.notices = notices.take();
  if (plan && host.plan && plan->says_the_same(*host.plan)) return;
  if (plan && plan->wants_www_redirect != nullptr)
    with_redirects_.insert(name);
  else
    with_redirects_.erase(name);
  host.plan = std::move(plan);
  host.written = {};
}

HostPlan* HostBook::find(const std::string& name) {
  const auto host = hosts_.find(name);
  return host == hosts_.end() || !host->second.plan ? nullptr : &*host->second.plan;
}

void HostBook::cross(Host& host, std::vector<std::string> aliases,
                     const PreparedIngress* redirect) {
  HostPlan& plan = *host.plan;
  if (plan.aliases == aliases && plan.www_redirect == redirect) return;
  plan.aliases = std::move(aliases);
  plan.www_redirect = redirect;
  host.written.done = false;
}

}  // namespace gateway::kubernetes
