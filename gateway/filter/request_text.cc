#include "gateway/filter/request_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/base/uri.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace {

using http::HeaderId;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// One, or nothing: of two nobody knows which the upstream will believe.
std::optional<std::string_view> field_value(const http::HeaderList& headers,
                                            std::string_view name) {
  std::optional<std::string_view> found;
  for (const http::Header& field : headers) {
    if (!http::same_variable(field.name, name)) continue;
    if (found) return std::nullopt;
    found = field.value;
  }
  return found;
}

std::optional<std::string_view> cookie_value(const http::HeaderList& headers,
                                             std::string_view name) {
  std::optional<std::string_view> found;
  for (const http::Header& field : headers) {
    if (field.id != HeaderId::cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      if (found) return std::nullopt;
      found = pair.substr(equals + 1);
    }
  }
  return found;
}

// Still encoded.
std::optional<std::string_view> argument_value(std::string_view query, std::string_view name) {
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (found) return std::nullopt;
    found = pair.substr(equals + 1);
  }
  return found;
}

// The word of the nearest proxy: those before it may be a client's own.
std::string_view last_forwarded_proto(const http::HeaderList& headers) {
  std::string_view last;
  for (const http::Header& field : headers)
    if (field.id == HeaderId::x_forwarded_proto)
      http::for_each_list_item(field.value, [&last](std::string_view item) { last = item; });
  return last;
}

}  // namespace

std::string_view client_scheme(const RequestContext& context) {
  if (context.peer_trusted) {
    const std::string_view said = last_forwarded_proto(context.request.headers);
    for (const std::string_view secure : {"https", "wss"})
      if (http::equals_ignoring_case(said, secure)) return "https";
    for (const std::string_view plain : {"http", "ws"})
      if (http::equals_ignoring_case(said, plain)) return "http";
  }
  return context.connection.tls->is_tls ? "https" : "http";
}

std::string_view request_uri(const RequestContext& context) {
  const http::RequestHead& request = context.request;
  if (!request.has_query) return request.path;
  return context.arena.concat(request.path, "?", request.query);
}

std::string_view percent_encode(std::string_view text, Arena& arena) {
  constexpr char kHex[] = "0123456789ABCDEF";
  if (std::all_of(text.begin(), text.end(), is_unreserved)) return text;
  char* const begin = arena.make_array<char>(text.size() * 3);
  char* at = begin;
  for (const char c : text) {
    if (is_unreserved(c)) {
      *at++ = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    *at++ = '%';
    *at++ = kHex[byte >> 4];
    *at++ = kHex[byte & 15];
  }
  return {begin, static_cast<std::size_t>(at - begin)};
}

bool RequestText::parse_variable(std::string_view name, Part& part) {
  struct Known {
    std::string_view name;
    Kind kind;
  };
  static constexpr Known kPlain[] = {{"host", Kind::host},
                                     {"scheme", Kind::scheme},
                                     {"request_uri", Kind::request_uri},
                                     {"escaped_request_uri", Kind::escaped_request_uri},
                                     {"remote_addr", Kind::remote_address}};
  static constexpr Known kNamed[] = {
      {"http_", Kind::field}, {"cookie_", Kind::cookie}, {"arg_", Kind::argument}};
  for (const Known& known : kPlain) {
    if (name != known.name) continue;
    part.kind = known.kind;
    return true;
  }
  for (const Known& known : kNamed) {
    if (!name.starts_with(known.name) || name.size() == known.name.size()) continue;
    part.kind = known.kind;
    part.text = name.substr(known.name.size());
    return true;
  }
  return false;
}

Result<RequestText> RequestText::compile(std::string_view text) {
  const auto refuse = [](std::string why) {
    return failure(ErrorCode::invalid_argument, Side::internal, std::move(why));
  };
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; }))
    return refuse(fmt::format("'{}' has a space or control character", text));
  RequestText made;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    if (dollar != 0) made.parts_.push_back({Kind::literal, std::string(text.substr(0, dollar))});
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    const bool braced = text.starts_with('{');
    if (braced) text.remove_prefix(1);
    const auto end = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_name_byte) - text.begin());
    Part part;
    if (!parse_variable(text.substr(0, end), part))
      return refuse(fmt::format("there is no variable '${}' here", text.substr(0, end)));
    if (braced && !text.substr(end).starts_with('}'))
      return refuse(fmt::format("'${{{}' has no closing brace", text.substr(0, end)));
    text.remove_prefix(end + (braced ? 1 : 0));
    made.parts_.push_back(std::move(part));
  }
  return made;
}

std::optional<std::string_view> RequestText::value(const Part& part,
                                                   const RequestContext& context) {
  const http::RequestHead& request = context.request;
  switch (part.kind) {
    case Kind::literal: return part.text;
    case Kind::host: return without_port(request.host);
    case Kind::scheme: return client_scheme(context);
    case Kind::request_uri: return filter::request_uri(context);
    case Kind::escaped_request_uri:
      return percent_encode(filter::request_uri(context), context.arena);
    case Kind::remote_address: return context.arena.copy(context.client.to_string());
    case Kind::field: return field_value(request.headers, part.text);
    case Kind::cookie: return cookie_value(request.headers, part.text);
    case Kind::argument: return argument_value(request.query, part.text);
  }
  return std::nullopt;
}

bool RequestText::constant() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.kind == Kind::literal; });
}

std::string_view RequestText::url(const RequestContext& context) const {
  std::string_view text;
  for (const Part& part : parts_) {
    std::string_view piece = value(part, context).value_or(std::string_view());
    if (part.kind == Kind::field || part.kind == Kind::cookie)
      piece = percent_encode(piece, context.arena);
    text = text.empty() ? piece : context.arena.concat(text, piece);
  }
  return text;
}

bool RequestText::append_key(const RequestContext& context, std::string& key) const {
  for (const Part& part : parts_) {
    const auto piece = value(part, context);
    if (!piece) return false;
    key += fmt::format("{}:", piece->size());
    key += *piece;
  }
  return true;
}

}  // namespace gateway::filter
