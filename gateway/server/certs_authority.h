#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/net/certificate_authority.h"

namespace gateway::server {

/// An authority of `gateway certs` as it is kept in two files, NAME.crt and NAME.key.
class CertsAuthority {
 public:
  /// How long a new one is valid. Renewing it is a task of three runs that somebody begins.
  static constexpr std::chrono::seconds kLife = std::chrono::days(3650);

  /// `path` without ".crt". Both files are read; what is there and cannot sign is an error, as is
  /// one file without the other but for a certificate whose key is kept elsewhere: nothing can be
  /// signed then, and what is valid stays.
  static Result<CertsAuthority> read(const std::string& path, std::time_t now);
  /// A new one. `before`, PEM or empty: what was trusted until now, and is further on where it has
  /// not ended.
  static Result<CertsAuthority> make(const std::string& path, const std::string& title,
                                     const std::string& before, std::time_t now);

  /// PEM, the one that signs first.
  std::string bundle() const;
  /// Whether it signed this, or with `any`, one before it that is still trusted.
  bool vouches_for(const std::string& pem, bool any) const;
  /// Ends the trust in those before it.
  void forget_others() { trusted_.resize(1); }
  bool has_others() const { return trusted_.size() > 1; }

  std::time_t not_after() const { return not_after_; }
  /// Nothing where its key is kept elsewhere.
  const std::optional<net::CertificateAuthority>& signer() const { return signer_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> trusted_;
  std::optional<net::CertificateAuthority> signer_;
  std::time_t not_after_ = 0;
};

/// The text of a file, or nothing where there is none. The error is a sentence.
Result<std::optional<std::string>> read_if_there(const std::string& path);

}  // namespace gateway::server
