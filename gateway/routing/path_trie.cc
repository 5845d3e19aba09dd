#include "gateway/routing/path_trie.h"

#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"

namespace gateway::routing {

/// Splits the sorted matches into nodes, depth first; children of one node lie side by side.
struct PathTrie::Builder {
  using Range = std::span<const Match*>;

  PathTrie& trie;
  std::vector<const Match*> sorted;

  // Matches [begin, end) share the first `from` bytes, and the node's label begins there.
  void fill(std::uint32_t node, Range range, std::size_t from, std::uint32_t regex,
            std::uint32_t prefix) {
    const std::string& first = range.front()->path;
    const std::string& last = range.back()->path;
    // Sorted by path: what the first and the last share, all share.
    // The root stays empty, so that every path reaches it.
    std::size_t to = from;
    while (node != 0 && to < first.size() && to < last.size() && first[to] == last[to]) ++to;
    std::size_t here = 0;
    while (here < range.size() && range[here]->path.size() == to) ++here;
    const Range own = range.first(here);
    const std::uint32_t exact = leaf(own, config::PathMatch::exact, to, kNone);
    regex = leaf(own, config::PathMatch::regex, to, regex);
    prefix = leaf(own, config::PathMatch::prefix, to, prefix);
    const auto label = static_cast<std::uint32_t>(trie.text_.size());
    trie.text_.append(first, from, to - from);
    trie.nodes_[node] = {label, static_cast<std::uint32_t>(to - from), 0, 0, exact, regex, prefix};
    add_children(node, range.subspan(here), to, regex, prefix);
  }

  void add_children(std::uint32_t node, Range range, std::size_t from, std::uint32_t regex,
                    std::uint32_t prefix) {
    std::vector<Range> groups;
    while (!range.empty()) {
      const char byte = range.front()->path[from];
      std::size_t size = 1;
      while (size < range.size() && range[size]->path[from] == byte) ++size;
      groups.push_back(range.first(size));
      range = range.subspan(size);
    }
    const auto children = static_cast<std::uint32_t>(trie.nodes_.size());
    trie.nodes_.resize(trie.nodes_.size() + groups.size());
    trie.nodes_[node].children = children;
    trie.nodes_[node].child_count = static_cast<std::uint32_t>(groups.size());
    for (const Range& group : groups) trie.bytes_ += group.front()->path[from];
    for (std::uint32_t i = 0; i < groups.size(); ++i) {
      fill(children + i, groups[i], from, regex, prefix);
    }
  }

  // The leaf of one kind at this node; `above` when there is none.
  std::uint32_t leaf(Range own, config::PathMatch kind, std::size_t depth, std::uint32_t above) {
    std::vector<const Match*> matches;
    std::copy_if(own.begin(), own.end(), std::back_inserter(matches),
                 [&](const Match* match) { return match->kind == kind; });
    if (matches.empty()) return above;
    trie.leaves_.push_back({static_cast<std::uint32_t>(depth), above, Candidates(matches)});
    return static_cast<std::uint32_t>(trie.leaves_.size() - 1);
  }
};

PathTrie::PathTrie(const std::vector<const Match*>& matches) {
  if (matches.empty()) return;
  Builder builder{*this, matches};
  // Stable: among equals the order of the configuration decides.
  std::stable_sort(builder.sorted.begin(), builder.sorted.end(),
                   [](const Match* a, const Match* b) {
                     const int order = a->path.compare(b->path);
                     return order != 0 ? order < 0 : compare(*a, *b).sign < 0;
                   });
  nodes_.resize(1);
  bytes_ += '\0';
  builder.fill(0, builder.sorted, 0, kNone, kNone);
}

std::uint32_t PathTrie::child(const Node& node, char byte) const {
  if (node.child_count == 0) return kNone;
  const char* const first = bytes_.data() + node.children;
  const void* const found = std::memchr(first, byte, node.child_count);
  if (found == nullptr) return kNone;
  return node.children + static_cast<std::uint32_t>(static_cast<const char*>(found) - first);
}

// The last node whose whole label lies on the path; `whole` when nothing of the path is left.
const PathTrie::Node& PathTrie::deepest(std::string_view path, bool& whole) const {
  const Node* last = nodes_.data();
  while (!path.empty()) {
    const std::uint32_t next = child(*last, path.front());
    if (next == kNone) return *last;
    const Node& node = nodes_[next];
    // The first byte is known to be equal; most labels have no other.
    if (node.label_size > 1 &&
        (path.size() < node.label_size ||
         std::memcmp(path.data(), text_.data() + node.label, node.label_size) != 0)) {
      return *last;
    }
    path.remove_prefix(node.label_size);
    last = &node;
  }
  whole = true;
  return *last;
}

const Match* PathTrie::find(const http::RequestHead& request, std::uint16_t method) const {
  if (nodes_.empty()) return nullptr;
  const std::string_view path = request.path;
  bool whole = false;
  const Node& node = deepest(path, whole);
  if (whole && node.exact != kNone) {
    if (const Match* match = leaves_[node.exact].candidates.find(request, method)) return match;
  }
  for (std::uint32_t at = node.regex; at != kNone; at = leaves_[at].above) {
    if (const Match* match = leaves_[at].candidates.find(request, method)) return match;
  }
  for (std::uint32_t at = node.prefix; at != kNone; at = leaves_[at].above) {
    const Leaf& leaf = leaves_[at];
    if (path.size() != leaf.depth && path[leaf.depth] != '/') continue;
    if (const Match* match = leaf.candidates.find(request, method)) return match;
  }
  return nullptr;
}

}  // namespace gateway::routing
