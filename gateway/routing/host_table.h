#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/routing/path_trie.h"

namespace gateway::routing {

/// The routes of one host. Immutable, and shared by all tables and listeners under which the host
/// has the same matches in the same order. Whoever holds it also holds the routes it points at.
struct HostTable : std::enable_shared_from_this<HostTable> {
  /// `host` lives as long as the routes of the matches.
  HostTable(std::string_view host, std::vector<const Match*> host_matches)
      : pattern(host), matches(std::move(host_matches)), paths(matches) {}

  std::string_view pattern;           ///< "a.example", "*.example", or "*"; text of its first route
  std::vector<const Match*> matches;  ///< in the order of the configuration
  PathTrie paths;
};

/// Name of a request's authority, lower case, without port and last dot, with its hash. Names too
/// long for a host (RFC 1035 §2.3.4) are empty: they are none that a route could name.
class HostKey {
 public:
  explicit HostKey(std::string_view authority);

  std::string_view name() const { return {text_, size_}; }
  std::uint64_t hash() const { return hash_; }
  /// What follows the first label, with its dot: ".example" of "a.example"; empty for one label.
  std::string_view parent() const;

 private:
  static constexpr std::size_t kLongest = 256;

  std::size_t size_ = 0;
  std::uint64_t hash_ = 0;
  char text_[kLongest];
};

/// Host tables by name: exact ones, `*.` for exactly one label before, and the one for every host.
class HostMap {
 public:
  explicit HostMap(std::vector<std::shared_ptr<const HostTable>> tables);
  /// As `before`, with `others` in place of its tables of the same patterns, which it must have.
  HostMap(const HostMap& before, const std::vector<std::shared_ptr<const HostTable>>& others);

  /// The most specific table for that authority; null when there is none. Never falls back to a
  /// less specific one.
  const HostTable* find(std::string_view authority) const;
  /// The table of exactly that pattern; null when there is none.
  std::shared_ptr<const HostTable> of_pattern(std::string_view pattern) const;
  const std::vector<std::shared_ptr<const HostTable>>& tables() const { return tables_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::string_view name;  ///< of the table's pattern, a wildcard's without '*'
    const HostTable* table = nullptr;
  };

  void insert(std::string_view name, const HostTable* table);
  void put_in_place(const std::shared_ptr<const HostTable>& table);
  const HostTable* look_up(std::string_view name, std::uint64_t hash) const;

  std::vector<std::shared_ptr<const HostTable>> tables_;
  std::vector<Slot> slots_;  ///< open addressing; size a power of two, at most half full
  bool has_names_ = false;
  bool has_wildcards_ = false;
  const HostTable* any_ = nullptr;
};

}  // namespace gateway::routing
