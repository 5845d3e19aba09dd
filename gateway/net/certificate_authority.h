#pragma once

#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/certificate.h"

namespace gateway::net {

/// A certificate and its unencrypted private key as PEM texts, wherever they came from: a file, a
/// Secret, an authority of our own.
struct PemPair {
  std::string certificate;
  std::string key;
  bool operator==(const PemPair&) const = default;
};

/// Signs certificates for processes of our own: an ECDSA P-256 key with a certificate that it
/// signed itself, in memory only. Times are the caller's (seconds since 1970), so that nothing here
/// reads a clock. Any thread; copies share the key.
class CertificateAuthority {
 public:
  /// Certificates begin so much before the time they are made at: clocks of machines differ.
  static constexpr std::chrono::seconds kBackdated = std::chrono::minutes(5);

  /// A new one. `name` begins its subject; a random part follows, which tells it from the one
  /// before it.
  static Result<CertificateAuthority> make(const std::string& name, std::time_t now,
                                           std::chrono::seconds life);
  /// One that was kept. `invalid_argument` for what may sign no certificates, and for a key that is
  /// not its own.
  static Result<CertificateAuthority> parse(const PemPair& pair);

  /// A new key and a certificate for `names` (DNS names and addresses), good as server and as
  /// client; it ends with this authority at the latest. Fails for a name that no certificate can
  /// hold. An RSA key (2048 bits) takes some 100 ms, others microseconds.
  Result<PemPair> issue(const std::string& subject, const std::vector<std::string>& names,
                        std::time_t now, std::chrono::seconds life,
                        KeyKind kind = KeyKind::ecdsa) const;

  const PemPair& pair() const { return pair_; }
  std::time_t made_at() const { return made_at_; }
  std::time_t not_after() const { return not_after_; }

 private:
  struct Parts;
  CertificateAuthority(PemPair pair, std::shared_ptr<const Parts> parts);

  PemPair pair_;
  std::shared_ptr<const Parts> parts_;
  std::time_t made_at_ = 0;
  std::time_t not_after_ = 0;
};

/// What whoever renews a certificate must know of it, its key apart.
struct IssuedFacts {
  std::vector<std::string> names;  ///< as certificate_names() puts them
  std::time_t not_after = 0;
};

/// Of the first certificate in a PEM text. Any thread.
Result<IssuedFacts> issued_facts(std::string_view pem);

/// DNS names in lower case and addresses in their shortest form, in order, each once: equal for
/// what certificates would be equal for. `invalid_argument` for what no certificate can hold.
Result<std::vector<std::string>> certificate_names(const std::vector<std::string>& names);

/// Whether the first certificate of the one text was signed by the first of the other, whatever the
/// time is.
bool is_signed_by(std::string_view pem, std::string_view authority);

/// Each certificate of a PEM text as a text of its own; what is none is left out.
std::vector<std::string> certificates_of(std::string_view bundle);

}  // namespace gateway::net
