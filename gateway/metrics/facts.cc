#include "gateway/metrics/facts.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gateway {
namespace {

auto labels_of(const CertificateFact& fact) {
  return std::tie(fact.use, fact.owner, fact.name, fact.key);
}

}  // namespace

void Facts::set_certificates(std::vector<CertificateFact> all) {
  const auto by_labels = [](const CertificateFact& a, const CertificateFact& b) {
    return std::tuple(labels_of(a), a.ends) < std::tuple(labels_of(b), b.ends);
  };
  std::ranges::sort(all, by_labels);
  const auto same = [](const CertificateFact& a, const CertificateFact& b) {
    return labels_of(a) == labels_of(b);
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  if (all.size() > kMostCertificates) {
    std::ranges::stable_sort(all, {}, &CertificateFact::ends);
    all.resize(kMostCertificates);
    std::ranges::sort(all, by_labels);
  }
  certificates_ = std::move(all);
}

}  // namespace gateway
