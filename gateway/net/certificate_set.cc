#include "gateway/net/certificate_set.h"

#include <algorithm>

#include "gateway/base/check.h"

namespace gateway::net {
namespace {

bool offers(std::string_view offered, std::uint16_t scheme) {
  for (std::size_t i = 0; i + 1 < offered.size(); i += 2) {
    const auto high = static_cast<unsigned char>(offered[i]);
    const auto low = static_cast<unsigned char>(offered[i + 1]);
    if ((high << 8 | low) == scheme) return true;
  }
  return false;
}

}  // namespace

const Certificate& CertificateSet::Entry::choose(std::string_view offered) const {
  for (const auto& certificate : certificates)
    if (offers(offered, certificate->scheme())) return *certificate;
  return *certificates.back();
}

void CertificateSet::add(Entry& entry, const std::shared_ptr<const Certificate>& certificate) {
  for (const auto& present : entry.certificates)
    if (present->kind() == certificate->kind()) return;
  entry.certificates.push_back(certificate);
  std::ranges::sort(entry.certificates, {}, [](const auto& each) { return each->kind(); });
}

std::shared_ptr<const CertificateSet> CertificateSet::make(
    const std::vector<std::shared_ptr<const Certificate>>& certificates,
    const CertificateHosts& hosts, const CertificateSet* previous) {
  GATEWAY_CHECK(!certificates.empty());
  auto set = std::make_shared<CertificateSet>();
  set->all_ = certificates;
  set->hosts_ = hosts;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const auto& certificate = certificates[i];
    const bool bound = i < hosts.size() && !hosts[i].empty();
    for (const std::string& name : bound ? hosts[i] : certificate->names()) {
      const bool wildcard = name.starts_with("*.");
      Names& names = wildcard ? set->wildcard_ : set->exact_;
      add(names[wildcard ? name.substr(1) : name], certificate);
    }
  }
  // The default serves whoever asks for no name that we know, with every kind of key that its own
  // names have.
  add(set->default_, certificates.front());
  for (const auto& certificate : certificates)
    if (certificate->names() == certificates.front()->names()) add(set->default_, certificate);
  set->seal(previous);
  return set;
}

// The hash of a name costs more than all the rest of its entry.
void CertificateSet::seal(const CertificateSet* previous) {
  const auto seal = [](Names& names, std::string_view kind, const Names* before) {
    for (auto& [name, entry] : names) {
      if (before != nullptr)
        if (const auto known = before->find(name); known != before->end()) {
          entry.identity = known->second.identity;
          continue;
        }
      entry.identity = digest_of({kind, name});
    }
  };
  seal(exact_, "exact", previous == nullptr ? nullptr : &previous->exact_);
  seal(wildcard_, "wildcard", previous == nullptr ? nullptr : &previous->wildcard_);
  default_.identity = digest_of({"default"});
}

std::vector<const Certificate*> CertificateSet::shown() const {
  std::vector<const Certificate*> all;
  const auto add = [&all](const Entry& entry) {
    for (const auto& certificate : entry.certificates) all.push_back(certificate.get());
  };
  add(default_);
  for (const Names* names : {&exact_, &wildcard_})
    for (const auto& [name, entry] : *names) add(entry);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

const CertificateSet::Entry& CertificateSet::find(std::string_view name) const {
  if (name.empty()) return default_;
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return default_;
  const auto found = wildcard_.find(name.substr(dot));
  return found == wildcard_.end() ? default_ : found->second;
}

}  // namespace gateway::net
