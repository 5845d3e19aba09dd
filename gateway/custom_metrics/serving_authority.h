#pragma once

#include <chrono>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/certificate_authority.h"

namespace gateway::custom_metrics {

/// Keys and values of a Secret, decoded.
using SecretData = std::map<std::string, std::string, std::less<>>;

/// What one replica shows and whom it trusts.
struct ServingMaterial {
  net::PemPair own;          ///< shown to the API server, and to the peers in both directions
  std::string trusted;       ///< PEM bundle: the peers' authorities, and an APIService's caBundle
  std::time_t renew_at = 0;  ///< when to ask for the next one
};

/// The authority of the replicas of one gateway on Kubernetes, which nobody has to install: a
/// Secret that all of them read holds it, and each signs its own certificate.
///
/// One replica (the leader) asks renewed() now and then and writes what it returns, comparing and
/// swapping by resourceVersion: who loses reads again. Succession, by time alone, so that all
/// replicas judge alike from what the Secret says:
///
///   made ────────────── kLife − kSuccession: a successor is made; both are trusted, the old signs
///   successor's kSettled later: the successor signs; both are trusted
///   kLeafLife and an hour later: nothing that the old one signed lives; it is dropped
///
/// So whatever is signed by an authority was trusted everywhere for a day before. The Secret's keys
/// are ca.crt and ca.key, and next-ca.crt and next-ca.key while there is a successor. Any thread;
/// blocks for some 100 µs where a key is made.
class ServingAuthority {
 public:
  static constexpr std::chrono::seconds kLife = std::chrono::days(365);
  static constexpr std::chrono::seconds kSuccession = std::chrono::days(90);
  static constexpr std::chrono::seconds kSettled = std::chrono::hours(24);
  static constexpr std::chrono::seconds kLeafLife = std::chrono::hours(24);

  /// Fails for pairs that are absent, broken or no authority.
  static Result<ServingAuthority> read(const SecretData& data);

  /// What the Secret should hold: nothing when it is as it should be. Values under other keys stay.
  /// Of empty data a first authority is made, as in place of one that has expired. What cannot be
  /// read is an error and never overwritten: it may be somebody else's.
  static Result<std::optional<SecretData>> renewed(const SecretData& data, std::time_t now);

  /// A certificate for one replica under the names by which the others and the API server ask for
  /// it: service_name(). Ask again at `renew_at`, and whenever trusted() is another: somebody may
  /// have begun anew.
  Result<ServingMaterial> issue(const std::vector<std::string>& names, std::time_t now) const;
  const std::string& trusted() const { return trusted_; }

 private:
  ServingAuthority(net::CertificateAuthority current,
                   std::optional<net::CertificateAuthority> next);
  const net::CertificateAuthority& signer(std::time_t now) const;

  net::CertificateAuthority current_;
  std::optional<net::CertificateAuthority> next_;
  std::string trusted_;
};

/// As the API server and the peers name a Service: "<service>.<namespace>.svc".
std::string service_name(std::string_view service, std::string_view name_space);

}  // namespace gateway::custom_metrics
