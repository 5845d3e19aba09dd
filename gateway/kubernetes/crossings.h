#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/kubernetes/certificate_plan.h"
#include "gateway/kubernetes/host_book.h"

namespace gateway::kubernetes {

/// What hosts have to do with one another: aliases, names that lead to the one beside them, and the
/// certificates of names that are no hosts. Settled at each translation, from those hosts alone
/// that ask for such: there are few.
class Crossings {
 public:
  /// After HostBook::settle().
  void settle(HostBook& hosts, CertificateBook& certificates, Notices& notices);
  /// Certificates of names that are no hosts, sorted.
  const std::vector<ExtraBinding>& bindings() const { return bindings_; }

 private:
  using Aliases = std::map<std::string, std::vector<std::string>>;  ///< by host

  void settle_aliases(HostBook& hosts, Notices& notices);
  std::map<std::string, const PreparedIngress*> settle_redirects(HostBook& hosts,
                                                                 Notices& notices) const;
  void bind(HostBook& hosts, CertificateBook& certificates, Notices& notices);

  std::map<std::string, std::string> host_of_;  ///< by alias
  Aliases aliases_;
  std::set<std::string> crossed_;  ///< hosts that have something of the kind
  std::vector<ExtraBinding> bindings_;
};

}  // namespace gateway::kubernetes
