#include "gateway/config/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace gateway::config {
namespace {

Position position_of(const YAML::Mark& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

/// What stops yaml-cpp from within: its handler interface knows no other way.
struct Refused {
  YAML::Mark mark;
  std::string message;
};

/// Builds the tree from the events of yaml-cpp's parser. Its own node tree is passed by: that costs
/// three times as much and hides duplicate keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    attach(make(Node::Kind::null, mark, anchor), 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node& node = make(Node::Kind::scalar, mark, anchor);
    node.text = value;
    node.tagged = is_explicit(tag);
    const std::size_t size = 1 + value.size() / 256;
    if (anchor != YAML::NullAnchor) anchored_[anchor].size = size;
    attach(node, size);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (anchor >= anchored_.size() || anchored_[anchor].size == 0)
      throw Refused{mark, "an alias inside of what it names would never end"};
    repeated_ += anchored_[anchor].size;
    if (repeated_ > kMaxRepeatedNodes)
      throw Refused{mark, fmt::format("aliases repeat more than {} values", kMaxRepeatedNodes)};
    attach(*anchored_[anchor].node, anchored_[anchor].size);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node* node;
    std::size_t size;  ///< nodes in it, aliases written out
    YAML::anchor_t anchor;
  };
  struct Anchored {
    const Node* node = nullptr;
    std::size_t size = 0;  ///< 0 while it is still open
  };

  // "?" is a plain value, "!" a quoted one.
  static bool is_explicit(const std::string& tag) {
    return !tag.empty() && tag != "?" && tag != "!";
  }

  Node& make(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (document_.node_count() >= kMaxNodes)
      throw Refused{mark, fmt::format("more than {} values", kMaxNodes)};
    Node& node = document_.add_node();
    node.kind = kind;
    node.at = position_of(mark);
    if (anchor != YAML::NullAnchor) {
      if (anchor >= anchored_.size()) anchored_.resize(anchor + 1);
      anchored_[anchor] = {&node, kind == Node::Kind::null || kind == Node::Kind::scalar ? 1U : 0U};
    }
    return node;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth)
      throw Refused{mark, fmt::format("nested deeper than {} levels", kMaxDepth)};
    Node& node = make(kind, mark, anchor);
    node.tagged = is_explicit(tag);
    open_.push_back({&node, 1, anchor});
  }

  void close() {
    const Open done = open_.back();
    open_.pop_back();
    if (done.anchor != YAML::NullAnchor) anchored_[done.anchor].size = done.size;
    attach(*done.node, done.size);
  }

  void attach(const Node& node, std::size_t size) {
    if (open_.empty()) {
      document_.set_root(node);
      return;
    }
    open_.back().node->children.push_back(&node);
    open_.back().size += size;
  }

  Document& document_;
  std::vector<Open> open_;
  std::vector<Anchored> anchored_;
  std::size_t repeated_ = 0;
};

Problem syntax_problem(const Document& document, Position at, std::string message) {
  Problem problem = document.problem_at(at, 1);
  problem.message = std::move(message);
  return problem;
}

// A second document would silently be ignored.
class OneMoreDocument final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Refused{mark, "a second document: a file holds one"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

tl::expected<Document, Problem> read_yaml(std::string file, std::string text) {
  Document document(std::move(file), std::move(text));
  if (document.text().size() > kMaxFileBytes)
    return tl::make_unexpected(
        syntax_problem(document, {}, fmt::format("larger than {} MiB", kMaxFileBytes >> 20)));
  std::istringstream stream(document.text());
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(document);
    if (!parser.HandleNextDocument(builder))
      return tl::make_unexpected(syntax_problem(document, {}, "nothing is in it"));
    OneMoreDocument second;
    parser.HandleNextDocument(second);
  } catch (const Refused& refused) {
    return tl::make_unexpected(
        syntax_problem(document, position_of(refused.mark), refused.message));
  } catch (const YAML::Exception& error) {
    return tl::make_unexpected(syntax_problem(document, position_of(error.mark),
                                              fmt::format("not valid YAML: {}", error.msg)));
  } catch (const std::exception& error) {
    return tl::make_unexpected(
        syntax_problem(document, {}, fmt::format("not valid YAML: {}", error.what())));
  }
  return document;
}

}  // namespace gateway::config
