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

bool is_space(char c) { return c == ' ' || c == '\t'; }

// Splits a line into name and value; null when it is well formed.
const char* split_field(std::string_view line, const char* readable_end, Header& field) {
  const char* const begin = line.data();
  const char* end = begin + line.size();
  const char* const colon = find_byte(begin, end, readable_end, ':');
  if (colon == end) return "a field line without a colon";
  field.name = std::string_view(begin, static_cast<std::size_t>(colon - begin));
  if (field.name.empty()) return "a field without a name";
  field.id = header_id(field.name);
  const char* value = colon + 1;
  while (value != end && is_space(*value)) ++value;
  while (end != value && is_space(end[-1])) --end;
  field.value = std::string_view(value, static_cast<std::size_t>(end - value));
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

void HeadReader::begin(Arena& arena, const HeadLimits& limits) {
  arena_ = &arena;
  limits_ = limits;
  limits_.max_first_line = std::min(limits.max_first_line, limits.max_bytes);
  base_ = nullptr;
  stored_ = nullptr;
  stored_size_ = stored_capacity_ = scanned_ = size_ = lines_ = line_begin_ = 0;
  ends_ = arena.make_array<std::uint32_t>(limits.max_lines);
}

HeadReader::State HeadReader::scan(const char* base, std::size_t size) {
  base_ = base;
  for (;;) {
    const std::size_t limit = lines_ == 0 ? limits_.max_first_line : limits_.max_bytes;
    const std::size_t window = std::min(size, limit);
    const char* const at = find_control(base + scanned_, base + window);
    scanned_ = static_cast<std::size_t>(at - base);
    if (scanned_ + 1 >= window && (scanned_ == window || *at == '\r')) {
      if (window < limit) return State::more;
      return lines_ == 0 ? State::first_line_too_long : State::too_large;
    }
    if (*at == '\t') {
      ++scanned_;
      continue;
    }
    if (*at != '\r' || at[1] != '\n') return State::malformed;
    scanned_ += 2;
    if (scanned_ - 2 == line_begin_) {
      size_ = scanned_;
      return State::complete;
    }
    if (lines_ == limits_.max_lines) return State::too_large;
    ends_[lines_++] = static_cast<std::uint32_t>(scanned_ - 2);
    line_begin_ = scanned_;
  }
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
    stored_capacity_ = std::max(kStep, 2 * (stored_size_ + bytes.size()));
    char* const grown = static_cast<char*>(arena_->allocate(stored_capacity_, 1));
    if (stored_size_ > 0) std::memcpy(grown, stored_, stored_size_);
    stored_ = grown;
  }
  std::memcpy(stored_ + stored_size_, bytes.data(), bytes.size());
  stored_size_ += bytes.size();
}

void HeadReader::keep() {
  if (base_ != stored_) base_ = arena_->copy(block()).data();
}

Refusal read_fields(const HeadReader& head, std::size_t first, const FieldOptions& options,
                    Arena& arena, HeaderList& headers) {
  const std::string_view block = head.block();
  const char* const block_end = block.data() + block.size();
  // Room for what the gateway adds of its own.
  headers.reserve(arena, head.lines() + 8);
  headers.vouch(block);
  for (std::size_t i = first; i < head.lines(); ++i) {
    Header field;
    const char* const why = split_field(head.line(i), block_end, field);
    if (why != nullptr) return {ErrorCode::bad_request, why};
    if (field.id == HeaderId::other) {
      bool underscore = false;
      if (!check_name(field.name, underscore))
        return {ErrorCode::bad_request, "a field name that is no token, or a folded line"};
      if (underscore && options.underscores != Underscores::allow) {
        if (options.underscores == Underscores::refuse)
          return {ErrorCode::bad_request, "a field name with an underscore"};
        ++*options.dropped;
        continue;
      }
    }
    headers.add(arena, field);
  }
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
Refusal read_transfer_encoding(const HeaderList& headers, Version version) {
  const std::string_view value = headers.value(HeaderId::transfer_encoding);
  if (version == Version::http10) return {ErrorCode::bad_request, "Transfer-Encoding in HTTP/1.0"};
  if (headers.has(HeaderId::content_length))
    return {ErrorCode::bad_request, "Content-Length together with Transfer-Encoding"};
  if (headers.count(HeaderId::transfer_encoding) > 1)
    return {ErrorCode::bad_request, "Transfer-Encoding twice"};
  if (equals_ignoring_case(value, "chunked")) return {};
  for (const std::string_view coding : {"gzip, chunked", "deflate, chunked", "compress, chunked"})
    if (equals_ignoring_case(value, coding))
      return {ErrorCode::transfer_coding_unsupported, "a transfer coding besides chunked"};
  return {ErrorCode::bad_request, "Transfer-Encoding is not a single chunked"};
}

}  // namespace

Refusal read_framing(const HeaderList& headers, Version version, BodySize& body) {
  body = {Framing::until_close, 0};
  if (!headers.has_any(HeaderList::bit(HeaderId::content_length) |
                       HeaderList::bit(HeaderId::transfer_encoding)))
    return {};
  if (headers.has(HeaderId::transfer_encoding)) {
    body.framing = Framing::chunked;
    return read_transfer_encoding(headers, version);
  }
  body.framing = Framing::length;
  if (headers.count(HeaderId::content_length) > 1)
    return {ErrorCode::bad_request, "Content-Length twice"};
  if (!parse_content_length(headers.value(HeaderId::content_length), body.length))
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
    for_each_list_item(field.value, [&](std::string_view option) {
      close = close || equals_ignoring_case(option, "close");
      keep_alive = keep_alive || equals_ignoring_case(option, "keep-alive");
    });
  }
  return !close && (by_default || keep_alive);
}

}  // namespace gateway::http
