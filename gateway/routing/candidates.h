#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gateway/routing/match.h"

namespace gateway::routing {

/// The matches that share one path, in order of precedence; `find` returns the first that fits.
/// Many of them are told apart by a hash over one header or parameter of each, so that a thousand
/// tenants chosen by a header cost as much as ten. Immutable once built.
class Candidates {
 public:
  /// `matches` in order of precedence.
  explicit Candidates(std::span<const Match* const> matches);
  Candidates(Candidates&&) noexcept;
  ~Candidates();

  const Match* find(const http::RequestHead& request, std::uint16_t method) const;

 private:
  struct Entry {
    const Match* match;
    std::uint16_t methods;
    bool conditional;
  };
  class Index;

  const Match* scan(const http::RequestHead& request, std::uint16_t method) const;
  bool fits(const Entry& entry, const http::RequestHead& request, std::uint16_t method) const {
    return (entry.methods & method) != 0 && (!entry.conditional || meets(request, *entry.match));
  }

  std::vector<Entry> entries_;
  std::unique_ptr<const Index> index_;  ///< null for a short list
};

}  // namespace gateway::routing
