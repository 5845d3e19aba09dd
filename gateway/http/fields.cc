#include "gateway/http/fields.h"

#include <array>
#include <cstring>

#include "gateway/http/bytes.h"

namespace gateway::http {
namespace {

constexpr std::uint64_t kHopByHop = HeaderList::bits(
    {HeaderId::connection, HeaderId::keep_alive, HeaderId::proxy_connection, HeaderId::te,
     HeaderId::trailer, HeaderId::transfer_encoding, HeaderId::upgrade,
     HeaderId::proxy_authorization, HeaderId::proxy_authenticate});

// Request modifiers, content format and control data (RFC 9110 §6.5.1) that have no id of their
// own.
constexpr std::array<std::string_view, 16> kForbiddenTrailers = {"content-encoding",
                                                                 "content-range",
                                                                 "content-location",
                                                                 "cache-control",
                                                                 "max-forwards",
                                                                 "range",
                                                                 "if-match",
                                                                 "if-none-match",
                                                                 "if-range",
                                                                 "if-modified-since",
                                                                 "age",
                                                                 "expires",
                                                                 "vary",
                                                                 "if-unmodified-since",
                                                                 "pragma",
                                                                 "early-data"};

unsigned char folded_byte(char c) {
  return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

}  // namespace

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!is_token_byte(c)) return false;
  return true;
}

namespace {

// A byte of the word may be a control byte: certain when it says no.
template <typename Word>
bool may_hold_control(const char* at) {
  constexpr Word kOnes = static_cast<Word>(~Word{0}) / 0xFF;
  constexpr Word kHigh = kOnes * 0x80;
  Word word;
  std::memcpy(&word, at, sizeof(word));
  const Word below_space = (word - kOnes * 0x20) & ~word;
  const Word is_delete = (word ^ kOnes * 0x7F) - kOnes;
  return ((below_space | is_delete) & kHigh) != 0;
}

// Two overlapping words cover any text of 4 to 16 bytes: what the gateway writes itself is short.
bool is_short_and_plain(std::string_view text) {
  const char* const at = text.data();
  const std::size_t size = text.size();
  if (size > 16 || size < 4) return false;
  if (size >= 8)
    return !may_hold_control<std::uint64_t>(at) && !may_hold_control<std::uint64_t>(at + size - 8);
  return !may_hold_control<std::uint32_t>(at) && !may_hold_control<std::uint32_t>(at + size - 4);
}

}  // namespace

bool is_field_value(std::string_view text) {
  if (is_short_and_plain(text)) return true;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); (at = find_control(at, end)) != end; ++at)
    if (*at != '\t') return false;
  return true;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && folded_byte(a[i]) != folded_byte(b[i])) return false;
  return true;
}

bool same_variable(std::string_view a, std::string_view b) {
  const auto folded = [](char c) { return c == '_' ? '-' : folded_byte(c); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return folded(x) == folded(y); });
}

bool is_hop_by_hop(HeaderId id) { return (kHopByHop & HeaderList::bit(id)) != 0; }

namespace {

// A name that the gateway knows either belongs to one hop anyway or protects something: only the
// others can be declared hop-by-hop by Connection.
bool connection_names_others(const HeaderList& headers) {
  bool others = false;
  for (const Header& field : headers) {
    if (field.id != HeaderId::connection || is(field.value, "keep-alive") ||
        is(field.value, "close"))
      continue;
    for_each_list_item(field.value, [&](std::string_view option) {
      others = others ||
               (header_id(option) == HeaderId::other && !equals_ignoring_case(option, "close"));
    });
  }
  return others;
}

}  // namespace

void strip_hop_by_hop(HeaderList& headers) {
  if (!headers.has_any(kHopByHop)) return;
  const auto named_by_connection = [&headers](const Header& field) {
    bool named = false;
    for (const Header& connection : headers) {
      if (connection.id != HeaderId::connection) continue;
      for_each_list_item(connection.value, [&](std::string_view option) {
        named = named || equals_ignoring_case(option, field.name);
      });
    }
    return named;
  };
  // Two passes: Connection itself must stay until the fields that it names are gone.
  if (connection_names_others(headers))
    headers.remove_if([&](const Header& field) {
      return field.id == HeaderId::other && named_by_connection(field);
    });
  headers.remove_if([](const Header& field) { return is_hop_by_hop(field.id); });
}

bool is_forbidden_trailer(const Header& field) {
  if (field.id != HeaderId::other) return true;
  for (const std::string_view name : kForbiddenTrailers)
    if (equals_ignoring_case(field.name, name)) return true;
  return false;
}

}  // namespace gateway::http
