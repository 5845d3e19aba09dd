#include "gateway/config/suggestion.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace gateway::config {
namespace {

constexpr std::size_t kLongest = 64;
using Row = std::array<std::size_t, kLongest + 1>;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Insertions, deletions, replacements and swaps of neighbours, each counted one.
std::size_t distance(std::string_view a, std::string_view b) {
  Row rows[3];
  Row* before = &rows[0];
  Row* last = &rows[1];
  Row* row = &rows[2];
  std::iota(last->begin(), last->end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    (*row)[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      (*row)[j] = std::min({(*last)[j] + 1, (*row)[j - 1] + 1, (*last)[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) (*row)[j] = std::min((*row)[j], (*before)[j - 2] + 1);
    }
    Row* const oldest = before;
    before = last;
    last = row;
    row = oldest;
  }
  return (*last)[b.size()];
}

}  // namespace

std::string_view closest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > kLongest) return {};
  // A third of the letters may be wrong, in a short word one.
  std::size_t best = std::max<std::size_t>(1, text.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t apart = candidate.size() > text.size() ? candidate.size() - text.size()
                                                             : text.size() - candidate.size();
    if (apart >= best) continue;
    const std::size_t edits = distance(text, candidate);
    if (edits >= best || edits >= std::max(text.size(), candidate.size())) continue;
    best = edits;
    found = candidate;
  }
  return found;
}

std::string one_of(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace gateway::config
