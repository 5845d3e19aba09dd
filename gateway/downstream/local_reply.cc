#include "gateway/downstream/local_reply.h"

#include <fmt/format.h>

namespace gateway::downstream {
namespace {

constexpr std::string_view kMethodsRead = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  while (!part.empty() && (part.front() == ' ' || part.front() == '\t')) part.remove_prefix(1);
  while (!part.empty() && (part.back() == ' ' || part.back() == '\t')) part.remove_suffix(1);
  return part;
}

// RFC 9110 §12.4.2: a weight of 0 means "not acceptable".
bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_until(parameters, ';');
    if (parameter.starts_with("q=0") || parameter.starts_with("Q=0"))
      return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
  }
  return false;
}

// RFC 9110 §12.5.1. Whoever names JSON gets it; a browser's */* means a person who reads.
bool wants_json(const http::RequestHead& request) {
  std::string_view accept = request.headers.value(http::HeaderId::accept);
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const std::string_view type = take_until(parameters, ';');
    if ((type == "application/json" || type == "application/problem+json") && !refused(parameters))
      return true;
  }
  return false;
}

// Texts and ids are our own words or validated tokens, but a name from configuration may hold
// quotes.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) >= 0x20) out.push_back(c);
  }
}

std::string body_of(const LocalReplyContent& content, int status, std::string_view text,
                    bool json) {
  std::string body;
  if (!json) {
    body.append(text);
    if (!content.request_id.empty())
      body.append(" (request ").append(content.request_id).append(")");
    body.push_back('\n');
    return body;
  }
  body = fmt::format(R"({{"status":{},"error":"{}","message":")", status,
                     describe(content.code).label);
  append_escaped(body, text);
  body.append(R"(","request_id":")");
  append_escaped(body, content.request_id);
  body.append("\"}\n");
  return body;
}

}  // namespace

std::size_t send_local_reply(Stream& stream, const LocalReplyContent& content) {
  const ErrorDescription& description = describe(content.code);
  int status = content.status != 0 ? content.status : description.status;
  if (status < 200) status = 500;
  if (status == 204) return send_text(stream, status, {}, {}, content.headers);
  const std::string_view text = content.text.empty() ? description.text : content.text;
  const bool json = wants_json(stream.request());
  const std::string body = body_of(content, status, text, json);
  return send_text(stream, status, json ? "application/json" : "text/plain; charset=utf-8", body,
                   content.headers);
}

std::size_t send_text(Stream& stream, int status, std::string_view content_type,
                      std::string_view body, const http::HeaderList* headers) {
  http::ResponseHead head;
  head.status = status;
  head.body = {http::Framing::length, body.size()};
  Arena& arena = stream.arena();
  if (!content_type.empty()) head.headers.add(arena, http::HeaderId::content_type, content_type);
  if (headers != nullptr)
    for (const http::Header& field : *headers) head.headers.add(arena, field);
  if (!stream.send_head(head)) {
    stream.reset(Error(ErrorCode::internal, Side::internal, "unwritable header in a local reply"));
    return 0;
  }
  stream.send_body(body);
  stream.send_end();
  const bool bodyless =
      stream.request().method == http::Method::head || status == 204 || status == 304;
  return bodyless ? 0 : body.size();
}

void write_refusal(http::ServerCodec& codec, const Error& error, Buffer& out) {
  const ErrorDescription& description = describe(error.code);
  Arena arena;
  http::ResponseHead head;
  head.status = description.status;
  const std::string body = std::string(description.text) + "\n";
  head.body = {http::Framing::length, body.size()};
  head.headers.add(arena, http::HeaderId::content_type, "text/plain; charset=utf-8");
  // RFC 9110 §15.5.6; no target is looked at before its method.
  if (head.status == 405) head.headers.add(arena, "Allow", kMethodsRead);
  if (!codec.encode_head(http::kOnlyStream, head, true, out)) return;
  out.append(body);
}

}  // namespace gateway::downstream
