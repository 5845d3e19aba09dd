#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/net/certificate.h"

namespace gateway::net {

/// The server names that each of some certificates may be shown for; empty, as a whole or for one:
/// all that it names.
using CertificateHosts = std::vector<std::vector<std::string>>;

/// The certificates of one listener by the name that a client asks for. Immutable; shared by
/// workers.
class CertificateSet {
 public:
  /// All certificates of one name, the best kind first.
  struct Entry {
    std::vector<std::shared_ptr<const Certificate>> certificates;
    Digest identity{};  ///< of the virtual host, equal over reloads: tickets are bound to it

    /// The best one whose signature scheme the client offers; the last resort when none is.
    /// `offered` as on the wire: two bytes each.
    const Certificate& choose(std::string_view offered) const;
  };

  /// The first certificate is the default; of those of one name and kind the first wins. Not empty.
  /// `previous`: a former set, from which is taken what names have in common.
  static std::shared_ptr<const CertificateSet> make(
      const std::vector<std::shared_ptr<const Certificate>>& certificates,
      const CertificateHosts& hosts = {}, const CertificateSet* previous = nullptr);

  /// Exact name, then wildcard of one label, then the default. `name` in lower case, may be empty.
  const Entry& find(std::string_view name) const;
  const Entry& fallback() const { return default_; }
  const std::vector<std::shared_ptr<const Certificate>>& all() const { return all_; }
  const CertificateHosts& hosts() const { return hosts_; }
  /// Those that somebody may be shown, each once: one that others come before for all of its names
  /// is none of them.
  std::vector<const Certificate*> shown() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Names = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  static void add(Entry& entry, const std::shared_ptr<const Certificate>& certificate);
  void seal(const CertificateSet* previous);

  std::vector<std::shared_ptr<const Certificate>> all_;
  CertificateHosts hosts_;
  Names exact_;
  Names wildcard_;  // without "*"
  Entry default_;
};

}  // namespace gateway::net
