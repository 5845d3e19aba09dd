#include "gateway/http/h1_head.h"

#include <algorithm>
#include <cstring>

#include "gateway/http/bytes.h"
#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

// A head that comes in pieces is copied in steps of this size: what follows it in the same read is
// body, and is not to be copied.
constexpr std::size_t kStep = 1024;
// What nearly every head that comes in pieces fits in.
constexpr std::size_t kMost = 8 * 1024;

// How much of a head read_plain_head looks at, and the zeros behind it that end every scan.
constexpr std::size_t kPlainHead = 1024;
constexpr std::size_t kSentinel = 48;

bool is_space(char c) { return c == ' ' || c == '\t'; }

// Splits a line into name and value; null when it is well formed.
const char* split_field(std::string_view line, Header& field) {
  const char* const begin = line.data();
  const char* end = begin + line.size();
  const char* const colon = find_byte(begin, end, end, ':');
  if (colon == end) return "a field line without a colon";
  if (colon == begin) return "a field without a name";
  const std::string_view name(begin, static_cast<std::size_t>(colon - begin));
  const char* value = colon + 1;
  while (value != end && is_space(*value)) ++value;
  while (end != value && is_space(end[-1])) --end;
  field = {header_id(name), name, {value, static_cast<std::size_t>(end - value)}};
  return nullptr;
}

// For names that are not known to be tokens. A space before the colon and the white space that
// begins a folded line are no token bytes either (CVE-2023-25725).
bool check_name(std::string_view name, bool& underscore) {
  for (const char c : name) {
    if (!is_token_byte(c)) return false;
    underscore = underscore || c == '_';
  }
  return true;
}

}  // namespace

HeadReader::HeadReader(Arena& arena, const HeadLimits& limits)
    : arena_(arena), limits_(limits), ends_(arena.make_array<std::uint32_t>(limits.max_lines)) {
  limits_.max_first_line = std::min(limits.max_first_line, limits.max_bytes);
}

// Goes from control byte to control byte; everything before `scanned_` is judged.
HeadReader::State HeadReader::scan(const char* base, std::size_t size) {
  base_ = base;
  for (;;) {
    const std::size_t limit = lines_ == 0 ? limits_.max_first_line : limits_.max_bytes;
    const std::size_t window = std::min(size, limit);
    const char* const at = find_control(base + scanned_, base + window);
    scanned_ = static_cast<std::size_t>(at - base);
    const bool at_end = scanned_ == window;
    if (at_end || (scanned_ + 1 == window && *at == '\r')) {
      if (window < limit) return State::more;
      return lines_ == 0 ? State::first_line_too_long : State::too_large;
    }
    const State state = judge(at);
    if (state != State::more) return state;
    scanned_ += *at == '\t' ? 1 : 2;
  }
}

// One control byte: a tab, or the CR of a line end, or a reason to refuse.
HeadReader::State HeadReader::judge(const char* at) {
  if (*at == '\t') return State::more;
  if (*at != '\r' || at[1] != '\n') return State::malformed;
  const auto offset = static_cast<std::size_t>(at - base_);
  if (offset == line_begin_) {
    size_ = offset + 2;
    return State::complete;
  }
  if (lines_ == limits_.max_lines) return State::too_large;
  ends_[lines_++] = static_cast<std::uint32_t>(offset);
  line_begin_ = offset + 2;
  return State::more;
}

HeadReader::State HeadReader::read(std::string_view bytes, std::size_t& used) {
  if (stored_size_ == 0) {
    const State state = scan(bytes.data(), bytes.size());
    used = state == State::complete ? size_ : bytes.size();
    if (state == State::more) store(bytes);
    return state;
  }
  used = 0;
  State state = State::more;
  while (state == State::more && used < bytes.size()) {
    const std::size_t before = stored_size_;
    const std::string_view piece = bytes.substr(used, kStep);
    store(piece);
    state = scan(stored_, stored_size_);
    used += state == State::complete ? size_ - before : piece.size();
  }
  return state;
}

void HeadReader::store(std::string_view bytes) {
  if (stored_size_ + bytes.size() > stored_capacity_) {
    // An arena gives nothing back, so it grows seldom: small, as most heads are, then to the limit.
    const std::size_t needed = stored_size_ + bytes.size();
    stored_capacity_ = needed <= kStep   ? kStep
                       : needed <= kMost ? kMost
                                         : std::max(needed, limits_.max_bytes + kStep);
    char* const grown = static_cast<char*>(arena_.allocate(stored_capacity_, 1));
    if (stored_size_ > 0) std::memcpy(grown, stored_, stored_size_);
    stored_ = grown;
  }
  std::memcpy(stored_ + stored_size_, bytes.data(), bytes.size());
  stored_size_ += bytes.size();
}

void HeadReader::keep() {
  if (base_ != stored_) base_ = arena_.copy(block()).data();
}

namespace {

#if defined(__SSE2__)
const char* next_control(const char* at) {
  unsigned bits;
  while ((bits = detail::control_mask(at)) == 0) at += 16;
  return at + __builtin_ctz(bits);
}

const char* next_colon(const char* at) {
  unsigned bits = detail::equal_mask(at, ':');
  if (bits != 0) return at + __builtin_ctz(bits);
  bits = detail::equal_mask(at + 16, ':');
  return bits != 0 ? at + 16 + __builtin_ctz(bits) : nullptr;
}
#else
const char* next_control(const char* at) {
  while (!is_control(*at)) ++at;
  return at;
}

const char* next_colon(const char* at) {
  for (int i = 0; i < 32; ++i)
    if (at[i] == ':') return at + i;
  return nullptr;
}
#endif

bool is_line_end(const char* at) { return std::memcmp(at, "\r\n", 2) == 0; }

// One plain field line at `at`; returns where the next line begins, or null.
const char* read_plain_field(const char* at, Header& field) {
  const char* const colon = next_colon(at);
  if (colon == nullptr || colon == at) return nullptr;
  const std::string_view name(at, static_cast<std::size_t>(colon - at));
  const HeaderId id = header_id(name);
  if (id == HeaderId::other) {
    bool underscore = false;
    if (!check_name(name, underscore) || underscore) return nullptr;
  }
  if (colon[1] != ' ') return nullptr;
  const char* const value = colon + 2;
  const char* const end = next_control(value);
  // An empty value has the space before it: `end[-1]` tells it apart as well.
  if (!is_line_end(end) || *value == ' ' || end[-1] == ' ') return nullptr;
  field = {id, name, {value, static_cast<std::size_t>(end - value)}};
  return end + 2;
}

}  // namespace

std::size_t read_plain_head(std::string_view bytes, const HeadLimits& limits, Arena& arena,
                            std::string_view& first_line, HeaderList& headers) {
  const std::size_t size = std::min(bytes.size(), std::min(kPlainHead, limits.max_bytes));
  char* const head = static_cast<char*>(arena.allocate(size + kSentinel, 1));
  std::memcpy(head, bytes.data(), size);
  std::memset(head + size, 0, kSentinel);
  const char* at = next_control(head);
  first_line = {head, static_cast<std::size_t>(at - head)};
  if (!is_line_end(at) || first_line.empty() || first_line.size() + 2 > limits.max_first_line)
    return 0;
  at += 2;
  // As many lines as plain heads have, with room for what the gateway adds of its own.
  constexpr std::size_t kMostFields = 24;
  headers.reserve(arena, kMostFields + 8);
  Header* field = headers.room();
  const Header* const last = field + std::min(kMostFields, limits.max_lines - 1);
  std::uint64_t ids = 0;
  while (!is_line_end(at)) {
    if (field == last) return 0;
    at = read_plain_field(at, *field);
    if (at == nullptr) return 0;
    ids |= std::uint64_t{1} << static_cast<unsigned>(field->id);
    ++field;
  }
  headers.commit(static_cast<std::size_t>(field - headers.room()), ids);
  const auto head_size = static_cast<std::size_t>(at - head) + 2;
  headers.vouch({head, head_size});
  return head_size;
}

namespace {

// Null when the field may stay; else why the message is refused. `drop`: it goes silently.
const char* judge_name(std::string_view name, const FieldOptions& options, bool& drop) {
  bool underscore = false;
  if (!check_name(name, underscore)) return "a field name that is no token, or a folded line";
  if (!underscore || options.underscores == Underscores::allow) return nullptr;
  if (options.underscores == Underscores::refuse) return "a field name with an underscore";
  ++*options.dropped;
  drop = true;
  return nullptr;
}

}  // namespace

Refusal read_fields(const HeadReader& head, std::size_t first, const FieldOptions& options,
                    Arena& arena, HeaderList& headers) {
  // Room for what the gateway adds of its own.
  headers.reserve(arena, head.lines() + 8);
  headers.vouch(head.block());
  Header* field = headers.room();
  std::uint64_t ids = 0;
  for (std::size_t i = first; i < head.lines(); ++i) {
    const char* why = split_field(head.line(i), *field);
    bool drop = false;
    if (why == nullptr && field->id == HeaderId::other)
      why = judge_name(field->name, options, drop);
    if (why != nullptr) return {ErrorCode::bad_request, why};
    if (drop) continue;
    ids |= std::uint64_t{1} << static_cast<unsigned>(field->id);
    ++field;
  }
  headers.commit(static_cast<std::size_t>(field - headers.room()), ids);
  return {};
}

bool parse_content_length(std::string_view text, std::uint64_t& length) {
  constexpr std::uint64_t kMost = 0x7FFFFFFFFFFFFFFFULL;
  if (text.empty()) return false;
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (kMost - digit) / 10) return false;
    number = number * 10 + digit;
  }
  length = number;
  return true;
}

namespace {

// A single `chunked`, alone. Other codings before it are valid HTTP that we do not speak;
// everything else is a disguise (CVE-2019-18277, CVE-2022-32213).
Refusal judge_transfer_encoding(std::string_view value) {
  if (equals_ignoring_case(value, "chunked")) return {};
  for (const std::string_view coding : {"gzip, chunked", "deflate, chunked", "compress, chunked"})
    if (equals_ignoring_case(value, coding))
      return {ErrorCode::transfer_coding_unsupported, "a transfer coding besides chunked"};
  return {ErrorCode::bad_request, "Transfer-Encoding is not a single chunked"};
}

}  // namespace

Refusal read_framing(const HeaderList& headers, Version version, BodySize& body) {
  constexpr std::uint64_t kFraming =
      HeaderList::bit(HeaderId::content_length) | HeaderList::bit(HeaderId::transfer_encoding);
  body = {Framing::until_close, 0};
  if (!headers.has_any(kFraming)) return {};
  const Header* framing = nullptr;
  for (const Header& field : headers) {
    if ((HeaderList::bit(field.id) & kFraming) == 0) continue;
    // Also Content-Length beside Transfer-Encoding: two servers could believe two of them.
    if (framing != nullptr) return {ErrorCode::bad_request, "more than one framing field"};
    framing = &field;
  }
  if (framing->id == HeaderId::transfer_encoding) {
    if (version == Version::http10)
      return {ErrorCode::bad_request, "Transfer-Encoding in HTTP/1.0"};
    body.framing = Framing::chunked;
    return judge_transfer_encoding(framing->value);
  }
  body.framing = Framing::length;
  if (!parse_content_length(framing->value, body.length))
    return {ErrorCode::bad_request, "Content-Length is not a number of bytes"};
  return {};
}

bool read_keep_alive(const HeaderList& headers, Version version) {
  const bool by_default = version != Version::http10;
  if (!headers.has(HeaderId::connection)) return by_default;
  bool close = false;
  bool keep_alive = false;
  for (const Header& field : headers) {
    if (field.id != HeaderId::connection) continue;
    if (is(field.value, "keep-alive")) {
      keep_alive = true;
      continue;
    }
    for_each_list_item(field.value, [&](std::string_view option) {
      close = close || equals_ignoring_case(option, "close");
      keep_alive = keep_alive || equals_ignoring_case(option, "keep-alive");
    });
  }
  return !close && (by_default || keep_alive);
}

}  // namespace gateway::http
