#include "gateway/routing/substitution.h"

#include <algorithm>
#include <cstring>

namespace gateway::routing {

Result<Substitution> Substitution::parse(std::string_view text) {
  Substitution parsed;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) parsed.pieces_.push_back({std::exchange(literal, {}), -1});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      literal += text[i];
      continue;
    }
    const char next = ++i < text.size() ? text[i] : '\0';
    if (next == '\\') {
      literal += next;
    } else if (next >= '0' && next <= '9') {
      end_literal();
      parsed.pieces_.push_back({{}, next - '0'});
      parsed.max_group_ = std::max(parsed.max_group_, next - '0');
    } else {
      return failure(
          ErrorCode::invalid_argument, Side::internal,
          "substitution '" + std::string(text) + "': a backslash needs a digit after it");
    }
  }
  end_literal();
  return parsed;
}

std::string_view Substitution::apply(const re2::RE2& pattern, std::string_view path,
                                     Arena& arena) const {
  re2::StringPiece groups[kMaxGroups];
  pattern.Match({path.data(), path.size()}, 0, path.size(), re2::RE2::ANCHOR_BOTH, groups,
                max_group_ + 1);
  const auto text_of = [&](const Piece& piece) {
    if (piece.group < 0) return std::string_view(piece.text);
    const re2::StringPiece& group = groups[piece.group];
    return std::string_view(group.data(), group.size());
  };
  std::size_t size = 0;
  for (const Piece& piece : pieces_) size += text_of(piece).size();
  char* const to = static_cast<char*>(arena.allocate(size, 1));
  char* at = to;
  for (const Piece& piece : pieces_) {
    const std::string_view text = text_of(piece);
    // A group that took no part in the match has no place to copy from.
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  return {to, size};
}

}  // namespace gateway::routing
