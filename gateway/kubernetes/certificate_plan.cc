#include "gateway/kubernetes/certificate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace gateway::kubernetes {
namespace {

using CacheEntry = CertificateCache::Entry;

class Assignment {
 public:
  Assignment(const Store& store, const TranslatorSettings& settings, CertificateCache& cache,
             HostPlans& hosts, Notices& notices)
      : store_(store), settings_(settings), cache_(cache), hosts_(hosts), notices_(notices) {}

  void add(const PreparedIngress& ingress) {
    for (const IngressTls& tls : ingress.object->tls) {
      const CacheEntry* entry = find(ingress, tls.secret);
      std::set<std::string> wanted;
      for (const std::string& host : ingress.hosts) add_host(ingress, tls, host, entry, wanted);
      // Of an Ingress for every host, the certificates are for the names that it lists.
      const auto& own = ingress.hosts;
      if (own.empty() || std::find(own.begin(), own.end(), "") != own.end())
        for (const std::string& host : tls.hosts)
          if (!hosts_.contains(host)) wanted.insert(host);
      for (const std::string& host : wanted) assign(ingress, host, entry);
    }
  }

  std::vector<config::CertificateSource> take() {
    std::vector<config::CertificateSource> sources;
    if (settings_.default_certificate) add_default(sources);
    for (auto& [name, hosts] : bound_) {
      const Secret& secret = *store_.find<Secret>(name);
      sources.push_back({{}, {}, {}, pem_of(secret, std::move(hosts))});
    }
    return sources;
  }

 private:
  static std::shared_ptr<const config::PemPair> pem_of(const Secret& secret,
                                                       std::vector<std::string> hosts) {
    std::sort(hosts.begin(), hosts.end());
    return std::make_shared<const config::PemPair>(
        config::PemPair{fmt::format("Secret {}", secret.meta.object_name().to_string()),
                        secret.value("tls.crt"), secret.value("tls.key"), std::move(hosts)});
  }

  void warn(const PreparedIngress& ingress, std::string message) {
    notices_.add(ingress.meta(), Severity::warning, kCertificate, std::move(message));
  }

  // Null where the default certificate has to do: what is wrong was told.
  const CacheEntry* find(const PreparedIngress& ingress, const std::string& written) {
    if (written.empty()) return nullptr;
    const auto slash = written.find('/');
    ObjectName name{ingress.meta().namespace_, written};
    if (slash != std::string::npos) name = {written.substr(0, slash), written.substr(slash + 1)};
    if (name.namespace_ != ingress.meta().namespace_ && !settings_.allow_foreign_secrets) {
      warn(ingress, fmt::format("Secret {} is in another namespace, of which nothing is read; the "
                                "default certificate is shown",
                                name.to_string()));
      return nullptr;
    }
    const auto& secrets = store_.table<Secret>().all();
    const auto secret = secrets.find(name);
    if (secret == secrets.end()) {
      warn(ingress, fmt::format("there is no Secret {}; the default certificate is shown",
                                name.to_string()));
      return nullptr;
    }
    const CacheEntry& entry = cache_.find(secret->second);
    if (entry.certificate) return &entry;
    warn(ingress, fmt::format("Secret {}: {}; the default certificate is shown", name.to_string(),
                              entry.problem));
    return nullptr;
  }

  static bool lists(const IngressTls& tls, const std::string& host) {
    return std::any_of(tls.hosts.begin(), tls.hosts.end(),
                       [&](const std::string& each) { return covers({each}, host); });
  }

  void add_host(const PreparedIngress& ingress, const IngressTls& tls, const std::string& host,
                const CacheEntry* entry, std::set<std::string>& wanted) {
    const bool by_name =
        tls.hosts.empty() && (entry == nullptr || covers(entry->certificate->names(), host));
    if (!by_name && !lists(tls, host)) return;
    HostPlan& plan = hosts_[host];
    plan.tls = true;
    if (host.empty()) return;
    wanted.insert(host);
    for (const std::string& alias : plan.aliases)
      if (entry != nullptr && covers(entry->certificate->names(), alias)) wanted.insert(alias);
    if (plan.www_redirect != &ingress || entry == nullptr) return;
    const std::string other = host.starts_with("www.") ? host.substr(4) : "www." + host;
    if (!hosts_.contains(other) && covers(entry->certificate->names(), other)) wanted.insert(other);
  }

  void assign(const PreparedIngress& ingress, const std::string& host, const CacheEntry* entry) {
    const ObjectName name = entry == nullptr ? ObjectName() : entry->secret->meta.object_name();
    const auto [known, fresh] = taken_.emplace(host, name);
    if (!fresh && known->second != name && entry != nullptr)
      return warn(ingress, fmt::format("the certificate of {} comes from an older Ingress", host));
    if (!fresh || entry == nullptr) return;
    if (!covers(entry->certificate->names(), host))
      return warn(ingress, fmt::format("the certificate in Secret {} is not for {}; the default "
                                       "certificate is shown",
                                       name.to_string(), host));
    bound_[name].push_back(host);
  }

  void add_default(std::vector<config::CertificateSource>& sources) {
    const auto& secrets = store_.table<Secret>().all();
    const auto secret = secrets.find(*settings_.default_certificate);
    if (secret == secrets.end() || !cache_.find(secret->second).certificate) return;
    sources.push_back({{}, {}, {}, pem_of(*secret->second, {})});
  }

  const Store& store_;
  const TranslatorSettings& settings_;
  CertificateCache& cache_;
  HostPlans& hosts_;
  Notices& notices_;
  std::map<std::string, ObjectName> taken_;
  std::map<ObjectName, std::vector<std::string>> bound_;
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

const CacheEntry& CertificateCache::find(const std::shared_ptr<const Secret>& secret) {
  Entry& entry = entries_[secret.get()];
  entry.used = true;
  if (entry.secret) return entry;
  entry.secret = secret;
  auto parsed = net::Certificate::parse(secret->value("tls.crt"), secret->value("tls.key"));
  if (parsed)
    entry.certificate = std::move(*parsed);
  else
    entry.problem = parsed.error().detail;
  return entry;
}

void CertificateCache::drop_unused() {
  std::erase_if(entries_, [](const auto& each) { return !each.second.used; });
  for (auto& [secret, entry] : entries_) entry.used = false;
}

std::vector<config::CertificateSource> plan_certificates(const std::vector<PreparedPtr>& ingresses,
                                                         const Store& store,
                                                         const TranslatorSettings& settings,
                                                         CertificateCache& cache, HostPlans& hosts,
                                                         Notices& notices) {
  Assignment assignment(store, settings, cache, hosts, notices);
  for (const PreparedPtr& ingress : ingresses)
    if (!ingress->plan().canary) assignment.add(*ingress);
  auto sources = assignment.take();
  cache.drop_unused();
  return sources;
}

}  // namespace gateway::kubernetes
