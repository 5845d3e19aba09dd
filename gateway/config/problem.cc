#include "gateway/config/problem.h"

#include <fmt/format.h>

#include <algorithm>

namespace gateway::config {
namespace {

struct Style {
  std::string_view strong;
  std::string_view mark;
  std::string_view faint;
  std::string_view end;
};

constexpr Style kPlain = {};
constexpr Style kColour = {"\x1b[1m", "\x1b[1;31m", "\x1b[2m", "\x1b[0m"};

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// Terminals must not be driven by what is in a file.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kWidestText));
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

// A character may be several bytes: one column of the terminal for each that starts one.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

void append_source(std::string& out, const Problem& problem, const Style& style) {
  const std::string line = printable(problem.source_line);
  const std::size_t before = std::min<std::size_t>(problem.place.position.column - 1, line.size());
  const std::size_t length =
      std::max<std::size_t>(1, columns(std::string_view(line).substr(before, problem.length)));
  out +=
      fmt::format("  {}{:>5} |{} {}\n", style.faint, problem.place.position.line, style.end, line);
  out += fmt::format("  {}      |{} {:{}}{}{}{}\n", style.faint, style.end, "",
                     columns(std::string_view(line).substr(0, before)), style.mark,
                     std::string(length, '^'), style.end);
}

}  // namespace

std::string format(const Problem& problem, bool colour) {
  const Style& style = colour ? kColour : kPlain;
  std::string out = fmt::format("{}{}", style.strong, problem.place.file);
  const Position at = problem.place.position;
  if (at.line > 0) out += fmt::format(":{}:{}", at.line, at.column);
  out += fmt::format(":{} ", style.end);
  if (!problem.path.empty()) out += fmt::format("{}: ", printable(problem.path));
  out += fmt::format("{}\n", printable(problem.message));
  if (!problem.source_line.empty() && at.column > 0) append_source(out, problem, style);
  if (!problem.expected.empty()) out += fmt::format("  expected: {}\n", problem.expected);
  if (!problem.found.empty()) out += fmt::format("  found:    {}\n", printable(problem.found));
  if (!problem.suggestion.empty())
    out += fmt::format("  did you mean \"{}\"?\n", printable(problem.suggestion));
  return out;
}

std::string format_all(const Problems& problems, bool colour) {
  std::string text;
  for (const Problem& problem : problems) text += format(problem, colour);
  return text;
}

}  // namespace gateway::config
