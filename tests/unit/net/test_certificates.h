#pragma once

#include <string>
#include <vector>

#include "gateway/net/certificate.h"
#include "gateway/net/certificate_authority.h"

namespace gateway::net {

/// A certificate authority with an ECDSA key, made anew in each test program.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;

  /// For DNS names (and the address 127.0.0.1 if that is one of them); the common name is the
  /// first. Valid for so many seconds from now, 86400 are a day.
  PemPair issue(const std::vector<std::string>& names, KeyKind kind = KeyKind::ecdsa,
                long valid_seconds = 86400) const;
  const std::string& certificate() const { return pem_; }
  /// A list that says so, as PEM.
  std::string revoke(const PemPair& pair) const;

 private:
  void* key_;
  void* certificate_;
  std::string pem_;
};

}  // namespace gateway::net
