#include "gateway/custom_metrics/label_selector.h"

#include <algorithm>

namespace gateway::custom_metrics {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '/';
}

}  // namespace

/// Reads one selector from left to right; apimachinery's grammar without the comparisons of
/// numbers.
class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : rest_(text) {}

  Result<LabelSelector> run() {
    LabelSelector selector;
    skip_spaces();
    if (rest_.empty()) return selector;
    do {
      LabelSelector::Requirement requirement;
      if (!read_requirement(requirement))
        return failure(ErrorCode::bad_request, Side::downstream,
                       "the label selector is not understood at \"" + std::string(rest_) + "\"");
      selector.requirements_.push_back(std::move(requirement));
    } while (take(","));
    if (rest_.empty()) return selector;
    return failure(ErrorCode::bad_request, Side::downstream,
                   "the label selector is not understood at \"" + std::string(rest_) + "\"");
  }

 private:
  using Operator = LabelSelector::Operator;

  bool read_requirement(LabelSelector::Requirement& requirement) {
    if (take("!")) {
      requirement.operation = Operator::absent;
      return read_word(requirement.key);
    }
    if (!read_word(requirement.key)) return false;
    const bool unequal = take("!=");
    if (unequal || take("==") || take("=")) {
      requirement.operation = unequal ? Operator::not_in : Operator::in;
      // An empty value is a value.
      read_word(requirement.values.emplace_back());
      return true;
    }
    requirement.operation = Operator::exists;
    std::string word;
    if (!read_word(word)) return rest_.empty() || rest_.front() == ',';
    if (word != "in" && word != "notin") return false;
    requirement.operation = word == "in" ? Operator::in : Operator::not_in;
    return read_values(requirement.values);
  }

  bool read_values(std::vector<std::string>& values) {
    if (!take("(")) return false;
    do {
      read_word(values.emplace_back());
    } while (take(","));
    return take(")");
  }

  bool read_word(std::string& word) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word_byte);
    word.assign(rest_.begin(), end);
    rest_.remove_prefix(word.size());
    skip_spaces();
    return !word.empty();
  }
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }
  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
  }

  std::string_view rest_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return SelectorParser(text).run();
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::ranges::all_of(requirements_, [&labels](const Requirement& each) {
    const auto found = labels.find(each.key);
    const bool there = found != labels.end();
    const bool among = there && std::ranges::find(each.values, found->second) != each.values.end();
    switch (each.operation) {
      case Operator::in: return among;
      case Operator::not_in: return !among;  // as Kubernetes: also without the label
      case Operator::exists: return there;
      case Operator::absent: return !there;
    }
    return false;
  });
}

std::string LabelSelector::to_string() const {
  std::string text;
  for (const Requirement& each : requirements_) {
    if (!text.empty()) text += ',';
    if (each.operation == Operator::absent) text += '!';
    text += each.key;
    if (each.operation == Operator::exists || each.operation == Operator::absent) continue;
    text += each.operation == Operator::in ? " in (" : " notin (";
    for (std::size_t i = 0; i < each.values.size(); ++i) {
      if (i > 0) text += ',';
      text += each.values[i];
    }
    text += ')';
  }
  return text;
}

std::vector<std::string> LabelSelector::keys() const {
  std::vector<std::string> keys;
  for (const Requirement& each : requirements_) keys.push_back(each.key);
  return keys;
}

}  // namespace gateway::custom_metrics
