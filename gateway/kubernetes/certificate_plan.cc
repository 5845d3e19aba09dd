#include "gateway/kubernetes/certificate_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace gateway::kubernetes {
namespace {

bool lists(const IngressTls& tls, const std::string& host) {
  return std::any_of(tls.hosts.begin(), tls.hosts.end(),
                     [&](const std::string& each) { return each == host || covers({each}, host); });
}

void warn_of_certificate(const PreparedIngress& ingress, Notices& notices, std::string message) {
  notices.add(ingress.meta(), Severity::warning, kCertificate, std::move(message));
}

}  // namespace

bool covers(const std::vector<std::string>& names, std::string_view host) {
  const auto dot = host.find('.');
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name == host) return true;
    return name.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
           !host.starts_with('*') && host.substr(dot) == std::string_view(name).substr(1);
  });
}

bool has_tls(const PreparedIngress& ingress, std::size_t i, const std::string& host,
             const CertificatePtr& certificate) {
  const IngressTls& tls = ingress.object->tls[i];
  const bool by_name =
      tls.hosts.empty() && (certificate == nullptr || covers(certificate->names, host));
  return by_name || lists(tls, host);
}

std::shared_ptr<const config::PemPair> pem_of(NamedCertificate& certificate,
                                              std::vector<std::string> hosts) {
  std::sort(hosts.begin(), hosts.end());
  auto& bound = certificate.bound;
  if (bound && bound->hosts == hosts) return bound;
  const Secret& secret = *certificate.secret;
  bound = std::make_shared<const config::PemPair>(
      config::PemPair{fmt::format("Secret {}", secret.meta.object_name().to_string()),
                      secret.value("tls.crt"), secret.value("tls.key"), std::move(hosts)});
  return bound;
}

void CertificateChoice::offer(const PreparedIngress& ingress, const std::string& host,
                              const CertificatePtr& certificate, Notices& notices) {
  if (taken_) {
    if (by_ != certificate && certificate != nullptr)
      warn_of_certificate(ingress, notices,
                          fmt::format("the certificate of {} comes from an older Ingress", host));
    return;
  }
  taken_ = true;
  by_ = certificate;
  if (certificate == nullptr) return;
  if (covers(certificate->names, host))
    bound_ = certificate;
  else
    warn_of_certificate(ingress, notices,
                        fmt::format("the certificate in Secret {} is not for {}; the default "
                                    "certificate is shown",
                                    certificate->name.to_string(), host));
}

CertificatePtr CertificateBook::parse(const ObjectName& name) const {
  auto made = std::make_shared<NamedCertificate>();
  made->name = name;
  made->secret = store_->share<Secret>(name);
  if (!made->secret) return made;
  const std::string& certificate = made->secret->value("tls.crt");
  const std::string& key = made->secret->value("tls.key");
  auto parsed = parsed_ != nullptr ? parsed_->load(certificate, key)
                                   : net::Certificate::parse(certificate, key);
  made->usable = parsed.has_value();
  if (!parsed) {
    made->problem = parsed.error().detail;
    return made;
  }
  made->names = (*parsed)->names();
  if (parsed_ != nullptr) made->parsed = std::move(*parsed);
  return made;
}

const CertificatePtr& CertificateBook::read(const ObjectName& name) {
  CertificatePtr& known = known_[name];
  if (!known) known = parse(name);
  return known;
}

std::set<ObjectName> CertificateBook::look(const Store& store) {
  store_ = &store;
  std::set<ObjectName> changed;
  for (auto& [name, known] : known_) {
    if (store.find<Secret>(name) == known->secret.get()) continue;
    known = parse(name);
    changed.insert(name);
  }
  return changed;
}

void CertificateBook::keep(const std::set<ObjectName>& named) {
  std::erase_if(known_, [&](const auto& each) { return !named.contains(each.first); });
}

CertificatePtr CertificateBook::find(const PreparedIngress& ingress, std::size_t i,
                                     Notices& notices) {
  const std::string& secret = ingress.object->tls[i].secret;
  if (secret.empty()) return nullptr;
  const auto& name = ingress.certificates[i];
  if (!name) {
    warn_of_certificate(
        ingress, notices,
        fmt::format("Secret {} is in another namespace, of which nothing is read; the "
                    "default certificate is shown",
                    secret));
    return nullptr;
  }
  const CertificatePtr& found = read(*name);
  if (found->usable) return found;
  const std::string shown = name->to_string();
  warn_of_certificate(
      ingress, notices,
      found->secret
          ? fmt::format("Secret {}: {}; the default certificate is shown", shown, found->problem)
          : fmt::format("there is no Secret {}; the default certificate is shown", shown));
  return nullptr;
}

CertificatePtr CertificateBook::assign(const std::string& host,
                                       const std::vector<PreparedPtr>& ingresses,
                                       std::optional<HostPlan>& plan, Notices& notices) {
  CertificateChoice choice;
  for (const PreparedPtr& ingress : ingresses) {
    if (ingress->plan().canary) continue;
    for (std::size_t i = 0; i < ingress->certificates.size(); ++i) {
      const CertificatePtr certificate = find(*ingress, i, notices);
      // Without rules it has no say in what others have on all hosts.
      if (!plan || ingress->hosts.empty() || !has_tls(*ingress, i, host, certificate)) continue;
      plan->tls = true;
      if (!host.empty()) choice.offer(*ingress, host, certificate, notices);
    }
  }
  return choice.bound();
}

CertificatePtr CertificateBook::find_default(Notices& notices) {
  if (!settings_.default_certificate) return nullptr;
  const ObjectName& name = *settings_.default_certificate;
  const CertificatePtr& found = read(name);
  if (found->usable) return found;
  const auto& secret = found->secret;
  notices.add(Notice{"Secret", name, secret ? secret->meta.uid : "", Severity::warning,
                     kCertificate,
                     secret ? "the default certificate cannot be used: " + found->problem
                            : std::string("the default certificate is missing")});
  return nullptr;
}

}  // namespace gateway::kubernetes
