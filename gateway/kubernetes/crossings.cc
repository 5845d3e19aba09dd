#include "gateway/kubernetes/crossings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gateway::kubernetes {
namespace {

bool is_for_all(const PreparedIngress& ingress) {
  const auto& hosts = ingress.hosts;
  return hosts.empty() || std::find(hosts.begin(), hosts.end(), "") != hosts.end();
}

using Bindings = std::map<std::string, CertificateChoice>;

// What a host's certificate is good for besides: only what it names.
void offer_to_others(const PreparedIngress& ingress, const std::string& host, const HostPlan& plan,
                     const CertificatePtr& certificate, Bindings& bindings, Notices& notices) {
  const auto offer = [&](const std::string& name) {
    if (covers(certificate->names, name)) bindings[name].offer(ingress, name, certificate, notices);
  };
  for (const std::string& alias : plan.aliases) offer(alias);
  if (plan.www_redirect == &ingress) offer(www_twin(host));
}

}  // namespace

void Crossings::settle(HostBook& hosts, CertificateBook& certificates, Notices& notices) {
  settle_aliases(hosts, notices);
  const auto redirects = settle_redirects(hosts, notices);
  std::set<std::string> before = std::exchange(crossed_, {});
  for (const auto& [host, aliases] : aliases_) crossed_.insert(host);
  for (const auto& [host, asker] : redirects) crossed_.insert(host);
  before.insert(crossed_.begin(), crossed_.end());
  for (const std::string& name : before) {
    const auto host = hosts.all().find(name);
    if (host == hosts.all().end() || !host->second.plan) continue;
    const auto aliases = aliases_.find(name);
    const auto redirect = redirects.find(name);
    HostBook::cross(host->second,
                    aliases == aliases_.end() ? std::vector<std::string>() : aliases->second,
                    redirect == redirects.end() ? nullptr : redirect->second);
  }
  bind(hosts, certificates, notices);
}

void Crossings::settle_aliases(HostBook& hosts, Notices& notices) {
  host_of_.clear();
  aliases_.clear();
  for (const PreparedPtr& ingress : hosts.with_aliases()) {
    for (const std::string& alias : ingress->plan().aliases) {
      for (const std::string& host : ingress->hosts) {
        if (host == alias) continue;
        const auto [known, fresh] = host_of_.emplace(alias, host);
        const bool free = hosts.find(alias) == nullptr && (fresh || known->second == host);
        if (free && fresh) aliases_[host].push_back(alias);
        if (!free)
          notices.add(
              ingress->meta(), Severity::warning, kConflict,
              fmt::format("server-alias: {} is a host of its own, or another's alias", alias));
      }
    }
  }
}

// A name that somebody serves is not redirected elsewhere.
std::map<std::string, const PreparedIngress*> Crossings::settle_redirects(HostBook& hosts,
                                                                          Notices& notices) const {
  std::map<std::string, const PreparedIngress*> redirects;
  std::set<std::string> redirected;
  for (const std::string& name : hosts.with_redirects()) {
    const PreparedIngress* asker = hosts.find(name)->wants_www_redirect;
    const std::string twin = www_twin(name);
    const bool free = hosts.find(twin) == nullptr && !host_of_.contains(twin);
    if (!name.empty() && !name.starts_with('*') && free && redirected.insert(twin).second) {
      redirects.emplace(name, asker);
      continue;
    }
    notices.add(asker->meta(), Severity::warning, kConflict,
                fmt::format("from-to-www-redirect: {} is not redirected to {}",
                            name.empty() || free ? "the name beside it" : twin, shown(name)));
  }
  return redirects;
}

// Names that are no hosts get what the oldest Ingress with a say in them brings.
void Crossings::bind(HostBook& hosts, CertificateBook& certificates, Notices& notices) {
  std::set<PreparedPtr, HostBook::Older> ingresses;
  const auto add = [&](const std::string& name) {
    const auto host = hosts.all().find(name);
    if (host == hosts.all().end()) return;
    for (const PreparedPtr& each : host->second.ingresses)
      if (!each->certificates.empty() && !each->plan().canary) ingresses.insert(each);
  };
  add("");
  for (const std::string& name : crossed_) add(name);
  Bindings bindings;
  Notices told;  // when the hosts were merged
  for (const PreparedPtr& ingress : ingresses) {
    for (std::size_t i = 0; i < ingress->certificates.size(); ++i) {
      const CertificatePtr certificate = certificates.find(*ingress, i, told);
      for (const std::string& host : ingress->hosts)
        if (certificate != nullptr && !host.empty() && crossed_.contains(host) &&
            has_tls(*ingress, i, host, certificate))
          offer_to_others(*ingress, host, *hosts.find(host), certificate, bindings, notices);
      // Of an Ingress for every host, the certificates are for the names that it lists.
      if (!is_for_all(*ingress)) continue;
      for (const std::string& host : ingress->object->tls[i].hosts)
        if (hosts.find(host) == nullptr) bindings[host].offer(*ingress, host, certificate, notices);
    }
  }
  bindings_.clear();
  for (const auto& [name, choice] : bindings)
    if (choice.bound() != nullptr) bindings_.emplace_back(name, choice.bound());
}

}  // namespace gateway::kubernetes
