#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/model.h"
#include "gateway/kubernetes/host_plan.h"
#include "gateway/kubernetes/store.h"
#include "gateway/net/certificate.h"

namespace gateway::kubernetes {

/// A Secret that somebody names for TLS, as the store has it.
struct NamedCertificate {
  ObjectName name;
  std::shared_ptr<const Secret> secret;  ///< null: there is none
  std::vector<std::string> names;        ///< that the certificate is for
  bool usable = false;
  std::string problem;
  /// Held so that whoever serves it need not parse it again.
  std::shared_ptr<const net::Certificate> parsed;
  /// As the model has it, for the hosts of last time.
  std::shared_ptr<const config::PemPair> bound;
};
/// Another object once the Secret is another.
using CertificatePtr = std::shared_ptr<NamedCertificate>;

/// A name that is no host of its own, and what it is shown.
using ExtraBinding = std::pair<std::string, CertificatePtr>;

/// The certificates of a cluster between translations: looked at again are only those whose Secrets
/// have changed.
class CertificateBook {
 public:
  /// `parsed`, if not null, has every certificate that was parsed, for others to share; outlives
  /// this.
  CertificateBook(const TranslatorSettings& settings, net::CertificateStore* parsed)
      : settings_(settings), parsed_(parsed) {}

  /// The names of what is another now. The store must stay where it is until the next look.
  std::set<ObjectName> look(const Store& store);
  /// Those that nobody names go.
  void keep(const std::set<ObjectName>& named);

  /// The certificate that a host is shown, on account of the Ingresses that name it, the oldest
  /// first; null: the default one. Marks the host that has TLS. What cannot be used leaves it with
  /// the default certificate, and its owner is told. Canaries have no say. `plan`: none where there
  /// is no such host.
  CertificatePtr assign(const std::string& host, const std::vector<PreparedPtr>& ingresses,
                        std::optional<HostPlan>& plan, Notices& notices);
  /// The Secret of the Ingress's `tls[i]`; null where the default certificate has to do: what is
  /// wrong is told.
  CertificatePtr find(const PreparedIngress& ingress, std::size_t i, Notices& notices);

  /// That of the command line; null when it cannot be used, which is told.
  CertificatePtr find_default(Notices& notices);

 private:
  const CertificatePtr& read(const ObjectName& name);
  CertificatePtr parse(const ObjectName& name) const;

  const TranslatorSettings& settings_;
  net::CertificateStore* const parsed_;
  const Store* store_ = nullptr;
  std::map<ObjectName, CertificatePtr> known_;
};

/// What one name is shown, while the Ingresses that have a say pass by, the oldest first.
class CertificateChoice {
 public:
  void offer(const PreparedIngress& ingress, const std::string& host,
             const CertificatePtr& certificate, Notices& notices);
  /// Null: the default one.
  const CertificatePtr& bound() const { return bound_; }

 private:
  bool taken_ = false;
  CertificatePtr by_;
  CertificatePtr bound_;
};

/// Whether the Ingress asks for TLS on `host` with `tls[i]`.
bool has_tls(const PreparedIngress& ingress, std::size_t i, const std::string& host,
             const CertificatePtr& certificate);

/// As the model has it, for these hosts.
std::shared_ptr<const config::PemPair> pem_of(NamedCertificate& certificate,
                                              std::vector<std::string> hosts);

/// Whether a certificate for these names is good for `host`.
bool covers(const std::vector<std::string>& names, std::string_view host);

}  // namespace gateway::kubernetes
