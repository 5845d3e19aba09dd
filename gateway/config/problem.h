#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gateway::config {

/// Where in a text, counted from 1 in lines and bytes; 0 is nowhere.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Place {
  std::string file;
  Position position;
};

/// One thing that is wrong with a configuration, for a person to read.
struct Problem {
  Place place;
  std::string path;          ///< "routes[2].match.path"; empty for the file as a whole
  std::string message;       ///< what is wrong
  std::string expected;      ///< what would be right; may be empty
  std::string found;         ///< as written, variables not expanded; may be empty
  std::string suggestion;    ///< the word that was probably meant; may be empty
  std::string source_line;   ///< the line it is on, its beginning; may be empty
  std::uint32_t length = 1;  ///< bytes to underline
};
using Problems = std::vector<Problem>;

/// More than anybody reads. A hostile or garbled text holds millions, each with words of its own.
inline constexpr std::size_t kMaxProblems = 1000;
/// Bytes of a line, path or word that are kept and shown.
inline constexpr std::size_t kWidestText = 160;

/// Several lines, the last ended: place, path and message, then the source line with a caret, then
/// what was expected and found. Colour is by ANSI sequences.
std::string format(const Problem& problem, bool colour = false);
/// One after the other.
std::string format_all(const Problems& problems, bool colour = false);

}  // namespace gateway::config
