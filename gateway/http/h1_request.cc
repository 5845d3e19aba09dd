#include "gateway/http/h1_request.h"

#include <array>
#include <cstring>

#include "gateway/base/uri.h"
#include "gateway/http/bytes.h"
#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/";

// Classes of the bytes of a target. What must be looked at more closely when it stands behind a
// slash is kAfterSlash; kSlash is the bit above it, so that a shift turns one into the other.
enum TargetClass : std::uint8_t {
  kRefused = 1,
  kQuestion = 2,
  kPercent = 4,
  kAfterSlash = 8,
  kSlash = 16
};

// RFC 3986 allows less; `[]{|}` are sent by browsers in queries and mean nothing to anybody on the
// way. A fragment never goes on the wire, and the rest opens holes in logs, pages and servers.
constexpr std::array<std::uint8_t, 256> make_target_classes() {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 0; c < 256; ++c)
    if (c <= 0x20 || c >= 0x7F) table[c] = kRefused;
  for (const char c : {'"', '#', '<', '>', '\\', '^', '`'})
    table[static_cast<unsigned char>(c)] = kRefused;
  table['?'] = kQuestion;
  table['%'] = kPercent;
  table['.'] = kAfterSlash;
  table['/'] = kAfterSlash | kSlash;
  return table;
}

constexpr std::array<std::uint8_t, 256> kTargetClass = make_target_classes();

Refusal bad(const char* why) { return {ErrorCode::bad_request, why}; }

Refusal read_version(std::string_view text, Version& version) {
  if (is(text, "HTTP/1.1")) {
    version = Version::http11;
    return {};
  }
  if (is(text, "HTTP/1.0")) {
    version = Version::http10;
    return {};
  }
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() == kVersionSize && text.starts_with(kVersionPrefix) && digit(5) &&
      text[6] == '.' && digit(7))
    return {ErrorCode::version_not_supported, "neither HTTP/1.0 nor HTTP/1.1"};
  return bad("the request line does not end with a version");
}

Refusal read_method(std::string_view text, Method& method) {
  const auto known = [&](const auto& name, Method value) {
    if (!is(text, name)) return false;
    method = value;
    return true;
  };
  if (known("GET", Method::get) || known("POST", Method::post) || known("PUT", Method::put) ||
      known("DELETE", Method::delete_) || known("HEAD", Method::head) ||
      known("OPTIONS", Method::options) || known("PATCH", Method::patch) ||
      known("TRACE", Method::trace))
    return {};
  if (text == "CONNECT") return {ErrorCode::method_not_allowed, "CONNECT"};
  if (!is_token(text)) return bad("the method is no token");
  return {ErrorCode::method_not_implemented, "an unknown method"};
}

// Whoever is named in the target wins over Host (RFC 9112 §3.2.2). Leaves the part after the
// authority in `head.target`.
Refusal read_absolute_form(std::string_view target, Arena& arena, RequestHead& head) {
  std::size_t begin = 0;
  for (const std::string_view scheme : {"http://", "https://"})
    if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) begin = scheme.size();
  if (begin == 0) return bad("the target is neither a path nor an http address");
  const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
  head.host = target.substr(begin, end - begin);
  if (!is_authority(head.host)) return bad("the target's authority is malformed");
  head.target = target.substr(end);
  if (head.target.empty()) {
    head.target = head.method == Method::options ? "*" : "/";
  } else if (head.target.front() == '?') {
    head.target = arena.concat("/", head.target);
  }
  return {};
}

// Path and query of an origin form. A path in which nothing can need resolving is canonical
// already.
Refusal split_target(const RequestOptions& options, Arena& arena, RequestHead& head) {
  const char* at = head.target.data();
  const char* const end = at + head.target.size();
  unsigned seen = 0;
  unsigned before = 0;
  for (; at != end && *at != '?'; ++at) {
    const unsigned now = kTargetClass[static_cast<unsigned char>(*at)];
    seen |= (now & (kRefused | kPercent)) | (now & before);
    before = now >> 1 & kAfterSlash;
  }
  const auto path_size = static_cast<std::size_t>(at - head.target.data());
  if (at != end) {
    head.has_query = true;
    head.query = head.target.substr(path_size + 1);
    for (; at != end; ++at) seen |= kTargetClass[static_cast<unsigned char>(*at)] & kRefused;
  }
  if ((seen & kRefused) != 0) return bad("a byte no target may hold");
  head.path = head.target.substr(0, path_size);
  if (seen == 0) return {};
  const auto path = canonical_path(head.path, options.merge_slashes, arena);
  if (!path) return bad("the path has no canonical form");
  head.path = *path;
  return {};
}

Refusal read_target(std::string_view target, const RequestOptions& options, Arena& arena,
                    RequestHead& head) {
  if (target.size() > options.limits.max_target_bytes)
    return {ErrorCode::uri_too_long, "the target is too long"};
  head.target = target;
  if (target.front() != '/' && target != "*") {
    const Refusal refusal = read_absolute_form(target, arena, head);
    if (refusal.refused()) return refusal;
  }
  if (head.target == "*") {
    if (head.method != Method::options) return bad("the target * without OPTIONS");
    head.path = head.target;
    return {};
  }
  return split_target(options, arena, head);
}

// Exactly one host, except in HTTP/1.0 (RFC 9112 §3.2). What goes upstream and what is routed is
// one and the same: the list's field is replaced when the target named the host.
Refusal read_host(Arena& arena, RequestHead& head) {
  const bool absolute = !head.host.empty();
  const Header* field = head.headers.find(HeaderId::host);
  if (field == nullptr) {
    if (head.version == Version::http11) return bad("Host is missing");
    if (absolute) head.headers.add(arena, HeaderId::host, head.host);
    return {};
  }
  for (const Header* other = field + 1; other != head.headers.end(); ++other)
    if (other->id == HeaderId::host) return bad("Host twice");
  if (!is_authority(field->value)) return bad("Host is malformed");
  if (!absolute) {
    head.host = field->value;
  } else if (head.host != field->value) {
    head.headers.set(arena, HeaderId::host, head.host);
  }
  return {};
}

Refusal read_expect(RequestHead& head) {
  for (const Header& field : head.headers)
    if (field.id == HeaderId::expect && !equals_ignoring_case(field.value, "100-continue"))
      return {ErrorCode::expectation_failed, "an expectation other than 100-continue"};
  // RFC 9110 §10.1.1: a client of HTTP/1.0 does not mean it.
  head.expect_continue = head.version == Version::http11 && head.body.has_body();
  return {};
}

void drop_h2c(HeaderList& headers) {
  headers.remove_if([](const Header& field) {
    bool h2c = false;
    if (field.id == HeaderId::upgrade)
      for_each_list_item(field.value, [&](std::string_view protocol) {
        h2c = h2c || equals_ignoring_case(protocol, "h2c");
      });
    return h2c;
  });
}

}  // namespace

Refusal read_request_line(std::string_view line, const RequestOptions& options, Arena& arena,
                          RequestHead& head) {
  const char* const end = line.data() + line.size();
  const char* const space = find_byte(line.data(), end, end, ' ');
  const auto method_size = static_cast<std::size_t>(space - line.data());
  if (line.size() < method_size + kVersionSize + 3 || line[line.size() - kVersionSize - 1] != ' ')
    return bad("the request line is not method, target and version");
  Refusal refusal = read_version(line.substr(line.size() - kVersionSize), head.version);
  if (refusal.refused()) return refusal;
  refusal = read_method(line.substr(0, method_size), head.method);
  if (refusal.refused()) return refusal;
  const std::size_t target_begin = method_size + 1;
  const std::size_t target_end = line.size() - kVersionSize - 1;
  return read_target(line.substr(target_begin, target_end - target_begin), options, arena, head);
}

Refusal settle_request(Arena& arena, RequestHead& head) {
  Refusal refusal = read_framing(head.headers, head.version, head.body);
  if (refusal.refused()) return refusal;
  if (head.body.framing == Framing::until_close) head.body.framing = Framing::none;
  refusal = read_host(arena, head);
  if (refusal.refused()) return refusal;
  head.keep_alive = read_keep_alive(head.headers, head.version);
  if (head.headers.has(HeaderId::upgrade)) drop_h2c(head.headers);
  if (head.headers.has(HeaderId::expect)) return read_expect(head);
  return {};
}

}  // namespace gateway::http
