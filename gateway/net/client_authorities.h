#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/result.h"
#include "gateway/net/certificate.h"

namespace gateway::net {

/// Who signs the certificates that clients of some hosts must show. Immutable; shared by all
/// threads.
class ClientAuthority {
 public:
  /// `pem`: certificates, and revocation lists if there are any, by which every certificate of a
  /// chain is then looked up. `depth`: certificates between the client's and one of these. Refuses
  /// a text of which a part cannot be read.
  static Result<std::shared_ptr<const ClientAuthority>> parse(std::string_view pem, int depth);

  const std::string& pem() const { return pem_; }
  int depth() const { return depth_; }
  /// Equal for equal demands: what was verified by one holds for no other.
  const Digest& identity() const { return identity_; }
  std::string_view identity_bytes() const {
    return {reinterpret_cast<const char*>(identity_.data()), identity_.size()};
  }

 private:
  std::string pem_;
  int depth_ = 0;
  Digest identity_{};
};

/// Which of them a handshake asks by, as its server name says. Filled, then shared by workers and
/// changed no more.
class ClientAuthorities {
 public:
  /// `host`: in lower case, "*.a.example" for one label in that place, empty for every other. False
  /// when it has a different one already. Null, for a host that is not asked whatever the wildcard
  /// above it is, changes nothing where there is one: last of all.
  bool add(std::string_view host, const std::shared_ptr<const ClientAuthority>& authority);
  /// Exact name, then wildcard, then every other; null: clients are not asked. `name` in lower
  /// case, may be empty.
  const std::shared_ptr<const ClientAuthority>& find(std::string_view name) const;
  /// Whether no handshake could tell the two apart.
  bool asks_as(const ClientAuthorities& other) const;
  bool empty() const { return by_host_.empty(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::unordered_map<std::string, std::shared_ptr<const ClientAuthority>, Hash, std::equal_to<>>
      by_host_;
};

}  // namespace gateway::net
