#include "gateway/http/header_id.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace gateway::http {
namespace {

// In the order of HeaderId.
constexpr std::array<std::string_view, 34> kNames = {
    "",
    "Accept",
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "Keep-Alive",
    "Location",
    "Origin",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Referer",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
};
static_assert(kNames.size() == static_cast<std::size_t>(HeaderId::x_request_id) + 1);

constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 19;
constexpr std::size_t kSlots = 128;

constexpr unsigned char lower(char c) {
  return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

// A name as at most three words that overlap, so that comparing needs no loop: the first bytes, the
// last ones, and for names over 16 bytes those from 8. `fold` has 0x20 where a letter stands:
// OR-ing it folds case there and nowhere else.
struct Words {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t middle = 0;
};

constexpr std::size_t word_size(std::size_t length) {
  return length >= 8 ? 8 : length >= 4 ? 4 : 2;
}

struct Entry {
  Words text;
  Words fold;
  std::uint8_t length = 0;
  HeaderId id = HeaderId::other;
};

constexpr std::uint64_t word_at(std::string_view text, std::size_t at, std::size_t size,
                                bool fold) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned char c = lower(text[at + i]);
    const bool letter = c >= 'a' && c <= 'z';
    const std::uint64_t byte = fold ? (letter ? 0x20U : 0U) : c;
    word |= byte << (8 * i);
  }
  return word;
}

constexpr Words words_of(std::string_view text, bool fold) {
  const std::size_t size = word_size(text.size());
  Words words;
  words.first = word_at(text, 0, size, fold);
  words.last = word_at(text, text.size() - size, size, fold);
  if (text.size() > 16) words.middle = word_at(text, 8, 8, fold);
  return words;
}

// The length and the last four letters (two for the shortest) tell all known names apart; the
// multiplier is searched below.
constexpr std::uint32_t slot_of(std::uint32_t tail, std::size_t length, std::uint32_t multiplier) {
  return ((tail | 0x20202020U) + static_cast<std::uint32_t>(length)) * multiplier >> 25;
}

constexpr std::uint32_t slot_of(std::string_view name, std::uint32_t multiplier) {
  const std::size_t size = name.size() >= 4 ? 4 : 2;
  const std::uint64_t tail = word_at(name, name.size() - size, size, false);
  return slot_of(static_cast<std::uint32_t>(tail), name.size(), multiplier);
}

constexpr bool is_perfect(std::uint32_t multiplier) {
  std::array<bool, kSlots> taken{};
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    const std::uint32_t slot = slot_of(kNames[i], multiplier);
    if (taken[slot]) return false;
    taken[slot] = true;
  }
  return true;
}

constexpr std::uint32_t find_multiplier() {
  std::uint32_t multiplier = 0x9E3779B1U;
  for (int tries = 0; tries < 4000; ++tries, multiplier = multiplier * 1664525U + 1013904223U)
    if (is_perfect(multiplier | 1U)) return multiplier | 1U;
  return 0;
}

constexpr std::uint32_t kMultiplier = find_multiplier();
static_assert(kMultiplier != 0, "no multiplier keeps the names apart: enlarge kSlots");

constexpr std::array<Entry, kSlots> make_table() {
  std::array<Entry, kSlots> table{};
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    Entry& entry = table[slot_of(kNames[i], kMultiplier)];
    entry.text = words_of(kNames[i], false);
    entry.fold = words_of(kNames[i], true);
    entry.length = static_cast<std::uint8_t>(kNames[i].size());
    entry.id = static_cast<HeaderId>(i);
  }
  return table;
}

constexpr std::array<Entry, kSlots> kTable = make_table();

template <typename Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  if constexpr (sizeof(Word) == 8) return __builtin_bswap64(word);
  if constexpr (sizeof(Word) == 4) return __builtin_bswap32(word);
  if constexpr (sizeof(Word) == 2) return __builtin_bswap16(word);
#endif
  return word;
}

template <typename Word>
bool same_ends(const Entry& entry, const char* begin, std::uint64_t last) {
  const std::uint64_t first = load<Word>(begin) | entry.fold.first;
  return first == entry.text.first && (last | entry.fold.last) == entry.text.last;
}

HeaderId find_long(std::string_view name) {
  const std::uint64_t last = load<std::uint64_t>(name.data() + name.size() - 8);
  const Entry& entry =
      kTable[slot_of(static_cast<std::uint32_t>(last >> 32), name.size(), kMultiplier)];
  if (entry.length != name.size() || !same_ends<std::uint64_t>(entry, name.data(), last))
    return HeaderId::other;
  if (name.size() > 16 &&
      (load<std::uint64_t>(name.data() + 8) | entry.fold.middle) != entry.text.middle)
    return HeaderId::other;
  return entry.id;
}

template <typename Word>
HeaderId find_short(std::string_view name) {
  const std::uint64_t last = load<Word>(name.data() + name.size() - sizeof(Word));
  const Entry& entry = kTable[slot_of(static_cast<std::uint32_t>(last), name.size(), kMultiplier)];
  if (entry.length != name.size() || !same_ends<Word>(entry, name.data(), last))
    return HeaderId::other;
  return entry.id;
}

}  // namespace

HeaderId header_id(std::string_view name) {
  if (name.size() >= 8) return name.size() <= kLongest ? find_long(name) : HeaderId::other;
  if (name.size() >= 4) return find_short<std::uint32_t>(name);
  return name.size() >= kShortest ? find_short<std::uint16_t>(name) : HeaderId::other;
}

std::string_view name_of(HeaderId id) { return kNames[static_cast<std::size_t>(id)]; }

}  // namespace gateway::http
