#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/routing/candidates.h"

namespace gateway::routing {

/// The paths of one host in a compressed radix tree over bytes: exact paths, prefixes, and regexes
/// at the end of their literal beginning, so that a regex is tried only on paths which begin alike.
/// One walk from the root finds the deepest node on the path; links from there lead up to the
/// shorter prefixes and regexes. Costs grow with the path's length, never with the number of
/// routes. Immutable once built; look-ups neither allocate nor lock.
class PathTrie {
 public:
  PathTrie() = default;
  /// `matches` in the order of the configuration.
  explicit PathTrie(const std::vector<const Match*>& matches);

  const Match* find(const http::RequestHead& request, std::uint16_t method) const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Node {
    std::uint32_t label;  ///< of the edge that leads here, in `text_`
    std::uint32_t label_size;
    std::uint32_t children;  ///< first of them, in `nodes_`; their first bytes in `bytes_`
    std::uint32_t child_count;
    std::uint32_t exact;   ///< leaf here, or kNone
    std::uint32_t regex;   ///< nearest leaf here or above
    std::uint32_t prefix;  ///< nearest leaf here or above
  };
  struct Leaf {
    std::uint32_t depth;  ///< bytes from the root
    std::uint32_t above;  ///< next leaf of the same kind towards the root
    Candidates candidates;
  };
  struct Builder;

  const Node& deepest(std::string_view path, bool& whole) const;
  std::uint32_t child(const Node& node, char byte) const;

  std::vector<Node> nodes_;
  std::vector<Leaf> leaves_;
  std::string bytes_;  ///< parallel to `nodes_`: first byte of each label
  std::string text_;
};

}  // namespace gateway::routing
