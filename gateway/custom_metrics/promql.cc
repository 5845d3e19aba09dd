#include "gateway/custom_metrics/promql.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace gateway::custom_metrics::promql {
namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kLongest = 8 * 1024;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_name_byte(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::optional<Node::Aggregate> aggregate_named(std::string_view name) {
  constexpr std::pair<std::string_view, Node::Aggregate> kAggregates[] = {
      {"sum", Node::Aggregate::sum},
      {"max", Node::Aggregate::max},
      {"min", Node::Aggregate::min},
      {"avg", Node::Aggregate::avg},
      {"count", Node::Aggregate::count}};
  for (const auto& [word, aggregate] : kAggregates)
    if (word == name) return aggregate;
  return std::nullopt;
}

/// Reads one expression from left to right; the first problem ends it.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  Result<NodePtr> run(bool selector_alone) {
    if (text_.size() > kLongest) fail("the query is too long");
    NodePtr node = selector_alone ? selector() : sum();
    skip_spaces();
    if (node && !rest_.empty()) fail(leftover());
    if (problem_.empty() && node) return node;
    return failure(ErrorCode::bad_request, Side::downstream, problem_);
  }

 private:
  std::string leftover() const {
    if (rest_.front() == '[')
      return "ranges like [1m] are not served: the metrics here are rates already";
    return fmt::format("unexpected \"{}\"", rest_.substr(0, 20));
  }

  /// No node, and no for those that say yes or no.
  struct Failed {
    operator NodePtr() const { return nullptr; }  // NOLINT(google-explicit-constructor)
    operator bool() const { return false; }       // NOLINT(google-explicit-constructor)
  };
  Failed fail(std::string_view what) {
    if (problem_.empty())
      problem_ = fmt::format("parse error at char {}: {}", text_.size() - rest_.size() + 1, what);
    return {};
  }

  NodePtr sum() { return chain("+-", &Parser::product); }
  NodePtr product() { return chain("*/", &Parser::factor); }

  NodePtr chain(std::string_view operations, NodePtr (Parser::*part)()) {
    NodePtr left = (this->*part)();
    while (left) {
      skip_spaces();
      if (rest_.empty() || operations.find(rest_.front()) == std::string_view::npos) break;
      const char operation = rest_.front();
      rest_.remove_prefix(1);
      NodePtr right = (this->*part)();
      if (!right) return nullptr;
      left = arithmetic(operation, std::move(left), std::move(right));
    }
    return left;
  }

  static NodePtr arithmetic(char operation, NodePtr left, NodePtr right) {
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::arithmetic;
    node->operation = operation;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
  }

  NodePtr factor() {
    if (++depth_ > kDeepest) return fail("too deeply nested");
    skip_spaces();
    NodePtr node;
    if (rest_.empty()) return fail("unexpected end of the query");
    if (take('(')) {
      node = sum();
      if (node && !take(')')) return fail("\")\" is missing");
    } else if (take('-')) {
      NodePtr negated = factor();
      if (negated) node = arithmetic('-', number_node(0), std::move(negated));
    } else if ((rest_.front() >= '0' && rest_.front() <= '9') || rest_.front() == '.') {
      node = number();
    } else if (rest_.front() == '{' || is_name_start(rest_.front())) {
      node = named();
    } else {
      return fail(leftover());
    }
    --depth_;
    return node;
  }

  static NodePtr number_node(double value) {
    auto node = std::make_unique<Node>();
    node->number = value;
    return node;
  }

  NodePtr number() {
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return fail("not a number");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return number_node(value);
  }

  NodePtr named() {
    const std::string_view before = rest_;
    const std::string_view name = read_name();
    const auto aggregate = aggregate_named(name);
    skip_spaces();
    const bool by = rest_.starts_with("by") || rest_.starts_with("without");
    if (aggregate && (by || rest_.starts_with("("))) return aggregation(*aggregate);
    if (rest_.starts_with("("))
      return fail(
          fmt::format("the function {}() is not served: the metrics here are rates already", name));
    rest_ = before;
    return selector();
  }

  NodePtr aggregation(Node::Aggregate aggregate) {
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::aggregate;
    node->aggregate = aggregate;
    bool grouped = false;
    if (!grouping(node->by, grouped)) return nullptr;
    if (!take('(')) return fail("\"(\" is missing");
    node->left = sum();
    if (!node->left) return nullptr;
    if (!take(')')) return fail("\")\" is missing");
    if (!grouped && !grouping(node->by, grouped)) return nullptr;
    return node;
  }

  // "by (route)", before or behind what is aggregated.
  bool grouping(std::vector<std::string>& by, bool& grouped) {
    skip_spaces();
    if (rest_.starts_with("without")) return fail("\"without\" is not served: use \"by (route)\"");
    if (!rest_.starts_with("by")) return true;
    rest_.remove_prefix(2);
    grouped = true;
    if (!take('(')) return fail("\"(\" is missing");
    while (!take(')')) {
      const std::string_view label = read_name();
      if (label != "route" && label != "upstream")
        return fail(fmt::format("there is no label \"{}\" to group by", label));
      by.emplace_back(label);
      if (!take(',') && !rest_.starts_with(')')) return fail("\")\" is missing");
    }
    return true;
  }

  NodePtr selector() {
    auto node = std::make_unique<Node>();
    node->kind = Node::Kind::selector;
    skip_spaces();
    node->metric = read_name();
    if (take('{'))
      while (!take('}')) {
        if (!matcher(node->matchers.emplace_back())) return nullptr;
        if (!take(',') && !rest_.starts_with('}')) return fail("\"}\" is missing");
      }
    if (node->metric.empty() && node->matchers.empty()) return fail("a metric is missing");
    for (const std::string_view word : {"offset", "@"}) {
      skip_spaces();
      if (rest_.starts_with(word)) return fail(fmt::format("\"{}\" is not served", word));
    }
    return node;
  }

  bool matcher(Matcher& matcher) {
    skip_spaces();
    matcher.label = read_name();
    skip_spaces();
    if (take_text("=~")) {
      matcher.kind = Matcher::Kind::matches;
    } else if (take_text("!~")) {
      matcher.kind = Matcher::Kind::matches_not;
    } else if (take_text("!=")) {
      matcher.kind = Matcher::Kind::unequal;
    } else if (!take_text("=")) {
      return fail("a label and one of = != =~ !~ are expected");
    }
    if (matcher.label.empty()) return fail("a label is missing");
    if (!string(matcher.value)) return fail("a quoted string is expected");
    if (matcher.kind == Matcher::Kind::equal || matcher.kind == Matcher::Kind::unequal) return true;
    re2::RE2::Options options(re2::RE2::Quiet);
    options.set_max_mem(1 << 20);
    auto pattern = std::make_shared<const re2::RE2>(matcher.value, options);
    if (!pattern->ok())
      return fail(fmt::format("the expression \"{}\" is not valid", matcher.value));
    matcher.pattern = std::move(pattern);
    return true;
  }

  bool string(std::string& value) {
    skip_spaces();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
    const char quote = rest_.front();
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == quote) {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (c == '\\') {
        if (++i == rest_.size()) return false;
        c = rest_[i] == 'n' ? '\n' : rest_[i] == 't' ? '\t' : rest_[i];
      }
      value.push_back(c);
    }
    return false;
  }

  std::string_view read_name() {
    skip_spaces();
    if (rest_.empty() || !is_name_start(rest_.front())) return {};
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name_byte);
    const std::string_view name = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(name.size());
    skip_spaces();
    return name;
  }
  bool take(char c) {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip_spaces();
    return true;
  }
  bool take_text(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  std::string_view text_;
  std::string_view rest_;
  std::string problem_;
  int depth_ = 0;
};

}  // namespace

bool Matcher::takes(std::string_view text) const {
  switch (kind) {
    case Kind::equal: return text == value;
    case Kind::unequal: return text != value;
    case Kind::matches: return re2::RE2::FullMatch({text.data(), text.size()}, *pattern);
    case Kind::matches_not: return !re2::RE2::FullMatch({text.data(), text.size()}, *pattern);
  }
  return false;
}

Result<NodePtr> parse(std::string_view text) { return Parser(text).run(false); }
Result<NodePtr> parse_selector(std::string_view text) { return Parser(text).run(true); }

}  // namespace gateway::custom_metrics::promql
