#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gateway::net {

using Digest = std::array<std::uint8_t, 32>;
/// SHA-256, for set-up code only.
Digest digest_of(std::initializer_list<std::string_view> parts);

/// In order of preference: an ECDSA signature costs a quarter of an RSA one.
enum class KeyKind : std::uint8_t { ecdsa, ed25519, rsa };
std::string_view to_string(KeyKind kind);

/// One certificate with its chain and private key, found to belong together. Immutable and shared
/// by all threads; OpenSSL's objects are made from it per worker, since they carry locks and
/// counts.
class Certificate {
 public:
  /// PEM texts: the leaf first, then its chain; one unencrypted key. A pair that does not match is
  /// an error, as is one of the two that was written halfway.
  static Result<std::shared_ptr<const Certificate>> parse(std::string_view certificate_pem,
                                                          std::string_view key_pem);
  Certificate() = default;
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  KeyKind kind() const { return kind_; }
  /// The TLS signature scheme that a client must offer (RFC 8446 §4.2.3).
  std::uint16_t scheme() const { return scheme_; }
  /// DNS names in lower case, "*.example.com" among them, from the subject alternative names; the
  /// common name only where there are none.
  const std::vector<std::string>& names() const { return names_; }
  std::time_t not_after() const { return not_after_; }
  /// When the first of the whole chain ends.
  std::time_t chain_ends() const { return chain_ends_; }
  const std::string& subject() const { return subject_; }
  /// Of both PEM texts.
  const Digest& digest() const { return digest_; }

  /// DER, leaf first.
  const std::vector<std::string>& chain() const { return chain_; }
  const std::string& key() const { return key_; }

 private:
  KeyKind kind_ = KeyKind::rsa;
  std::uint16_t scheme_ = 0;
  std::vector<std::string> names_;
  std::time_t not_after_ = 0;
  std::time_t chain_ends_ = 0;
  std::string subject_;
  Digest digest_{};
  std::vector<std::string> chain_;
  std::string key_;
};

/// Parsed pairs by the hash of their text: a reload parses only what has changed, and certificates
/// that listeners share exist once. Any thread.
class CertificateStore {
 public:
  Result<std::shared_ptr<const Certificate>> load(std::string_view certificate_pem,
                                                  std::string_view key_pem);
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<Digest, std::weak_ptr<const Certificate>> parsed_;  // guarded by mutex_
};

}  // namespace gateway::net
