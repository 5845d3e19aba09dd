#include "gateway/routing/regex.h"

#include <cctype>

namespace gateway::routing {
namespace {

// Bytes that RE2 may spend on one pattern's automaton: a thousand patterns must stay affordable.
constexpr std::int64_t kMaxMemory = std::int64_t{1} << 20;

// True when a `|` stands outside of parentheses: then the pattern's beginning is only one of
// several.
bool has_top_level_alternative(std::string_view pattern) {
  int depth = 0;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
      // "[[:alpha:]]": the inner brackets close nothing.
      const auto named = c == '[' && pattern.substr(i + 1).starts_with(':')
                             ? pattern.find(":]", i + 2)
                             : std::string_view::npos;
      if (named != std::string_view::npos) i = named + 1;
    } else if (c == '[') {
      in_class = true;
      // "[]a]" and "[^]a]": a bracket right after the opening is a member.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '|' && depth == 0) {
      return true;
    }
  }
  return false;
}

bool is_quantifier(char c) { return c == '*' || c == '?' || c == '{'; }

}  // namespace

Result<Regex> RegexCache::compile(const std::string& pattern) {
  std::weak_ptr<const re2::RE2>& known = known_[pattern];
  if (Regex regex = known.lock()) return regex;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  // Not make_shared: the weak reference kept here must not hold the automaton's memory.
  Regex regex(new re2::RE2(pattern, options));
  if (!regex->ok()) {
    return failure(ErrorCode::invalid_argument, Side::internal,
                   "regex '" + pattern + "': " + regex->error());
  }
  known = regex;
  return regex;
}

void RegexCache::drop_unused() {
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
}

bool matches_whole(const re2::RE2& pattern, std::string_view text) {
  return pattern.Match({text.data(), text.size()}, 0, text.size(), re2::RE2::ANCHOR_BOTH, nullptr,
                       0);
}

std::string literal_prefix(std::string_view pattern) {
  constexpr std::string_view kSpecial = ".[](){}*+?^$|";
  std::string literal;
  if (pattern.find("\\Q") != std::string_view::npos) return literal;
  if (has_top_level_alternative(pattern)) return literal;
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  while (!pattern.empty()) {
    std::size_t used = 1;
    char c = pattern.front();
    if (c == '\\') {
      // An escaped punctuation mark is itself; an escaped letter or digit is a class.
      if (pattern.size() < 2 || std::isalnum(static_cast<unsigned char>(pattern[1])) != 0) break;
      c = pattern[1];
      used = 2;
    } else if (kSpecial.find(c) != std::string_view::npos ||
               static_cast<unsigned char>(c) >= 0x80) {
      break;  // beyond ASCII a quantifier would cover several bytes
    }
    pattern.remove_prefix(used);
    if (!pattern.empty() && is_quantifier(pattern.front())) break;
    literal += c;
    if (!pattern.empty() && pattern.front() == '+') break;
  }
  return literal;
}

}  // namespace gateway::routing
