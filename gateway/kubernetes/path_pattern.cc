#include "gateway/kubernetes/path_pattern.h"

#include <fmt/format.h>

#include "gateway/base/uri.h"
#include "gateway/routing/regex.h"
#include "gateway/routing/substitution.h"

namespace gateway::kubernetes {
namespace {

using config::PathMatch;
using Text = tl::expected<std::string, std::string>;

Text canonical(const std::string& path) {
  if (!path.starts_with('/'))
    return tl::make_unexpected(fmt::format("path '{}' has no '/' first", path));
  if (path.find_first_of("?#") != std::string::npos)
    return tl::make_unexpected(fmt::format("path '{}': a path ends before '?' and '#'", path));
  Arena arena;
  const auto found = canonical_path(path, true, arena);
  if (!found)
    return tl::make_unexpected(
        fmt::format("no request has the path '{}': {}", path, found.error().detail));
  return std::string(*found);
}

bool holds_group(std::string_view target) { return target.find('$') != std::string_view::npos; }

std::string literal_pattern(std::string_view path) {
  constexpr std::string_view kSpecial = R"(\.[](){}*+?^$|)";
  std::string out;
  for (const char c : path) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// A pattern begins where the path does, and what follows it is free, as with nginx.
tl::expected<PathPattern, std::string> pattern_of(const IngressPath& path,
                                                  const IngressPlan& plan) {
  PathPattern made;
  made.kind = PathMatch::regex;
  made.written = path.path;
  std::string_view text = path.path;
  if (text.starts_with('^')) text.remove_prefix(1);
  if (!text.starts_with('/') && !text.starts_with('('))
    return tl::make_unexpected(fmt::format("path '{}' has no '/' first", path.path));
  made.path = fmt::format("(?i)(?:{}).*", text);
  routing::RegexCache regexes;
  const auto regex = regexes.compile(made.path);
  if (!regex)
    return tl::make_unexpected(
        fmt::format("path '{}' is no regular expression that RE2 can run ({}); write it without "
                    "look-around and back references",
                    path.path, regex.error().detail));
  if (plan.rewrite_target.empty()) return made;
  auto substitution = substitution_of(plan.rewrite_target);
  if (!substitution) return tl::make_unexpected(substitution.error());
  const auto parsed = routing::Substitution::parse(*substitution);
  if (!parsed || parsed->max_group() > (*regex)->NumberOfCapturingGroups())
    return tl::make_unexpected(
        fmt::format("rewrite-target '{}' names a group that path '{}' does "
                    "not have",
                    plan.rewrite_target, path.path));
  made.rewrite.emplace().regex_substitution = std::move(*substitution);
  return made;
}

}  // namespace

Text substitution_of(std::string_view target) {
  if (!target.starts_with('/') && !target.starts_with('$'))
    return tl::make_unexpected("a path is needed; permanent-redirect leads to other hosts");
  std::string out;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (c == '\\' || c == '?' || c == '#' || static_cast<unsigned char>(c) <= 0x20)
      return tl::make_unexpected(fmt::format("'{}' cannot be in a path", c));
    if (c != '$') {
      out += c;
      continue;
    }
    const char next = i + 1 < target.size() ? target[i + 1] : '\0';
    if (next < '1' || next > '9')
      return tl::make_unexpected("after '$' comes the number of a group, 1 to 9");
    out += '\\';
    out += target[++i];
  }
  return out;
}

bool is_pattern(const IngressPath& path, const IngressPlan& plan) {
  if (path.type == PathType::exact && !plan.use_regex) return false;
  if (plan.use_regex) return true;
  if (plan.rewrite_target.empty()) return false;
  return holds_group(plan.rewrite_target) ||
         path.path.find_first_of("()[]{}*+?^$|\\") != std::string::npos;
}

PathPattern pattern_of_text(const PathPattern& plain) {
  PathPattern made = plain;
  made.kind = PathMatch::regex;
  made.path = fmt::format("(?i)(?:{}).*", literal_pattern(plain.path));
  return made;
}

tl::expected<PathPattern, std::string> path_pattern(const IngressPath& path,
                                                    const IngressPlan& plan) {
  if (is_pattern(path, plan)) return pattern_of(path, plan);
  PathPattern made;
  made.kind = path.type == PathType::exact ? PathMatch::exact : PathMatch::prefix;
  made.written = path.path;
  auto plain = canonical(path.path.empty() ? "/" : path.path);
  if (!plain) return tl::make_unexpected(plain.error());
  made.path = std::move(*plain);
  // "/foo/" as a prefix is "/foo", to requests and to those who claim it.
  while (made.kind == PathMatch::prefix && made.path.size() > 1 && made.path.ends_with('/'))
    made.path.pop_back();
  if (plan.rewrite_target.empty()) return made;
  if (holds_group(plan.rewrite_target))
    return tl::make_unexpected(
        fmt::format("rewrite-target '{}' names a group, which an Exact path does not have",
                    plan.rewrite_target));
  auto target = canonical(plan.rewrite_target);
  if (!target) return tl::make_unexpected(target.error());
  made.rewrite.emplace().path = std::move(*target);
  return made;
}

}  // namespace gateway::kubernetes
