#include "gateway/kubernetes/certificate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <unordered_map>

#include "gateway/net/certificate.h"

namespace gateway::kubernetes {
namespace {

using CacheEntry = CertificateCache::Entry;

bool lists(const IngressTls& tls, const std::string& host) {
  return std::any_of(tls.hosts.begin(), tls.hosts.end(),
                     [&](const std::string& each) { return each == host || covers({each}, host); });
}

std::shared_ptr<const config::PemPair> pem_of(CacheEntry& entry, std::vector<std::string> hosts) {
  std::sort(hosts.begin(), hosts.end());
  if (entry.bound && entry.bound->hosts == hosts) return entry.bound;
  const Secret& secret = *entry.secret;
  entry.bound = std::make_shared<const config::PemPair>(
      config::PemPair{fmt::format("Secret {}", secret.meta.object_name().to_string()),
                      secret.value("tls.crt"), secret.value("tls.key"), std::move(hosts)});
  return entry.bound;
}

struct NameHash {
  std::size_t operator()(const ObjectName& name) const {
    const std::hash<std::string> hash;
    return hash(name.name) * 31 + hash(name.namespace_);
  }
};

class Assignment {
 public:
  Assignment(const Store& store, const TranslatorSettings& settings, CertificateCache& cache,
             HostPlans& hosts, Notices& notices)
      : store_(store), settings_(settings), cache_(cache), hosts_(hosts), notices_(notices) {
    taken_.reserve(hosts.size());
  }

  void add(const PreparedIngress& ingress) {
    for (std::size_t i = 0; i < ingress.certificates.size(); ++i) {
      const IngressTls& tls = ingress.object->tls[i];
      CacheEntry* entry = find(ingress, tls, ingress.certificates[i]);
      for (const std::string& host : ingress.hosts) add_host(ingress, tls, host, entry);
      // Of an Ingress for every host, the certificates are for the names that it lists.
      const auto& own = ingress.hosts;
      if (own.empty() || std::find(own.begin(), own.end(), "") != own.end())
        for (const std::string& host : tls.hosts)
          if (!hosts_.contains(host)) assign(ingress, host, entry);
    }
  }

  void take(Translation& translation) {
    add_default(translation);
    std::vector<CacheEntry*> entries;
    entries.reserve(bound_.size());
    for (const auto& [entry, hosts] : bound_) entries.push_back(entry);
    std::sort(entries.begin(), entries.end(), [](const CacheEntry* a, const CacheEntry* b) {
      return a->secret->meta.object_name() < b->secret->meta.object_name();
    });
    for (CacheEntry* entry : entries)
      translation.certificates.push_back({{}, {}, {}, pem_of(*entry, std::move(bound_[entry]))});
  }

 private:
  void warn(const PreparedIngress& ingress, std::string message) {
    notices_.add(ingress.meta(), Severity::warning, kCertificate, std::move(message));
  }

  // Null where the default certificate has to do: what is wrong was told.
  CacheEntry* find(const PreparedIngress& ingress, const IngressTls& tls,
                   const std::optional<ObjectName>& name) {
    if (tls.secret.empty()) return nullptr;
    if (!name) {
      warn(ingress, fmt::format("Secret {} is in another namespace, of which nothing is read; the "
                                "default certificate is shown",
                                tls.secret));
      return nullptr;
    }
    CacheEntry*& known = usable_[*name];
    if (known != nullptr) return known;
    const auto secret = store_.share<Secret>(*name);
    if (!secret) {
      warn(ingress, fmt::format("there is no Secret {}; the default certificate is shown",
                                name->to_string()));
      return nullptr;
    }
    CacheEntry& entry = cache_.find(secret);
    if (entry.usable) return known = &entry;
    warn(ingress, fmt::format("Secret {}: {}; the default certificate is shown", name->to_string(),
                              entry.problem));
    return nullptr;
  }

  void add_host(const PreparedIngress& ingress, const IngressTls& tls, const std::string& host,
                CacheEntry* entry) {
    const bool by_name = tls.hosts.empty() && (entry == nullptr || covers(entry->names, host));
    if (!by_name && !lists(tls, host)) return;
    HostPlan& plan = hosts_[host];
    plan.tls = true;
    if (host.empty()) return;
    assign(ingress, host, entry);
    if (entry == nullptr) return;
    for (const std::string& alias : plan.aliases)
      if (covers(entry->names, alias)) assign(ingress, alias, entry);
    if (plan.www_redirect != &ingress) return;
    const std::string twin = www_twin(host);
    if (covers(entry->names, twin)) assign(ingress, twin, entry);
  }

  void assign(const PreparedIngress& ingress, const std::string& host, CacheEntry* entry) {
    const auto [known, fresh] = taken_.emplace(host, entry);
    if (!fresh && known->second != entry && entry != nullptr)
      return warn(ingress, fmt::format("the certificate of {} comes from an older Ingress", host));
    if (!fresh || entry == nullptr) return;
    if (!covers(entry->names, host))
      return warn(ingress, fmt::format("the certificate in Secret {} is not for {}; the default "
                                       "certificate is shown",
                                       entry->secret->meta.object_name().to_string(), host));
    bound_[entry].push_back(host);
  }

  void add_default(Translation& translation) {
    if (!settings_.default_certificate) return;
    const ObjectName& name = *settings_.default_certificate;
    const auto secret = store_.share<Secret>(name);
    CacheEntry* entry = secret ? &cache_.find(secret) : nullptr;
    if (entry == nullptr || !entry->usable) {
      notices_.add(Notice{"Secret", name, secret ? secret->meta.uid : "", Severity::warning,
                          kCertificate,
                          secret ? "the default certificate cannot be used: " + entry->problem
                                 : std::string("the default certificate is missing")});
      return;
    }
    translation.has_default_certificate = true;
    // Not of the cache: bound to no host, where the same Secret may be bound to some.
    CacheEntry unbound{secret, {}, true, {}, nullptr, false};
    translation.certificates.push_back({{}, {}, {}, pem_of(unbound, {})});
  }

  const Store& store_;
  const TranslatorSettings& settings_;
  CertificateCache& cache_;
  HostPlans& hosts_;
  Notices& notices_;
  std::unordered_map<std::string, CacheEntry*> taken_;            ///< by host; null: the default
  std::unordered_map<ObjectName, CacheEntry*, NameHash> usable_;  ///< null: it is not
  std::unordered_map<CacheEntry*, std::vector<std::string>> bound_;
};

}  // namespace

bool covers(const std::vector<std::string>& names, std::string_view host) {
  const auto dot = host.find('.');
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name == host) return true;
    return name.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
           !host.starts_with('*') && host.substr(dot) == std::string_view(name).substr(1);
  });
}

CertificateCache::Entry& CertificateCache::find(const std::shared_ptr<const Secret>& secret) {
  Entry& entry = entries_[secret.get()];
  entry.used = true;
  if (entry.secret) return entry;
  entry.secret = secret;
  auto parsed = net::Certificate::parse(secret->value("tls.crt"), secret->value("tls.key"));
  entry.usable = parsed.has_value();
  if (parsed)
    entry.names = (*parsed)->names();
  else
    entry.problem = parsed.error().detail;
  return entry;
}

void CertificateCache::drop_unused() {
  std::erase_if(entries_, [](const auto& each) { return !each.second.used; });
  for (auto& [secret, entry] : entries_) entry.used = false;
}

void plan_certificates(const std::vector<PreparedPtr>& ingresses, const Store& store,
                       const TranslatorSettings& settings, CertificateCache& cache,
                       HostPlans& hosts, Notices& notices, Translation& translation) {
  Assignment assignment(store, settings, cache, hosts, notices);
  for (const PreparedPtr& ingress : ingresses)
    if (!ingress->plan().canary) assignment.add(*ingress);
  assignment.take(translation);
  cache.drop_unused();
}

}  // namespace gateway::kubernetes
