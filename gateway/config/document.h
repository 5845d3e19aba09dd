#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/problem.h"

namespace gateway::config {

/// One value of a document as it was written: nothing is expanded or typed yet. An alias is the
/// anchored node itself, so a node may have several parents (never itself).
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool tagged = false;  ///< with an explicit tag such as !!str
  Position at;
  std::string text;                   ///< of a scalar
  std::vector<const Node*> children;  ///< of a list; of a map: key, value, key, value …
};

/// A parsed text: its nodes, and its lines for showing where a problem is.
class Document {
 public:
  Document(std::string file, std::string text);
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;

  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }
  const Node& root() const { return *root_; }
  /// Counted from 1; empty when there is none.
  std::string_view line(std::uint32_t number) const;
  /// A problem at this position, its source line filled in.
  Problem problem_at(Position at, std::size_t length) const;

  Node& add_node() { return nodes_.emplace_back(); }
  std::size_t node_count() const { return nodes_.size(); }
  void set_root(const Node& root) { root_ = &root; }

 private:
  std::string file_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

}  // namespace gateway::config
