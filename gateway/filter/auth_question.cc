#include "gateway/filter/auth_question.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/filter/client_address.h"
#include "gateway/filter/request_text.h"
#include "gateway/http/fields.h"

namespace gateway::filter {
namespace {

using http::HeaderId;

/// What is read of an answer's body, so that the connection can be used again.
constexpr std::size_t kMaxVerdict = 64 * 1024;

// A 304 or 206 would be no verdict.
bool is_about_the_body(const http::Header& field) {
  if (field.id == HeaderId::content_length || field.id == HeaderId::content_type ||
      field.id == HeaderId::expect)
    return true;
  if (field.id != HeaderId::other) return false;
  constexpr std::string_view kNames[] = {
      "Content-Encoding",    "Range",    "If-Match",       "If-None-Match", "If-Modified-Since",
      "If-Unmodified-Since", "If-Range", "Accept-Encoding"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view name) {
    return http::equals_ignoring_case(field.name, name);
  });
}

// Whatever a client says of itself under these names is not true.
bool claims_original(const http::Header& field) {
  constexpr std::string_view kNames[] = {"X-Original-URL", "X-Original-Method",
                                         "X-Auth-Request-Redirect"};
  return field.id == HeaderId::other &&
         std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return http::same_variable(field.name, name); });
}

}  // namespace

AuthQuestion::AuthQuestion(RequestContext& context, std::span<const std::string> keep,
                           Callback<> answered)
    : context_(context),
      keep_(keep),
      on_answered_(answered),
      timer_(Callback<>::bind<&AuthQuestion::give_up>(this)) {}

void AuthQuestion::ask(upstream::Upstream* upstream, const http::RequestHead& head,
                       Duration timeout) {
  asking_ = true;
  deadline_ = context_.loop.now() + timeout;
  if (upstream == nullptr) {
    settle();
  } else {
    upstream::CallOptions options;
    options.request_timeout = timeout;
    call_.start(LocalPtr<upstream::Upstream>(upstream), head, *this, options);
  }
  asking_ = false;
}

void AuthQuestion::stop() {
  call_.cancel();
  timer_.cancel();
  answered_ = true;
}

// Up to here the call keeps the time, and blames the endpoint that let it pass.
void AuthQuestion::on_response_head(http::ResponseHead& head) {
  status_ = head.status;
  for (const http::Header& field : head.headers)
    if (keeps(field))
      fields_.add(context_.arena,
                  {field.id, context_.arena.copy(field.name), context_.arena.copy(field.value)});
  timer_.arm(context_.loop.timers(), std::max(deadline_ - context_.loop.now(), Duration(1)));
}

bool AuthQuestion::keeps(const http::Header& field) const {
  if (field.id == HeaderId::set_cookie || field.id == HeaderId::www_authenticate) return true;
  return std::any_of(keep_.begin(), keep_.end(), [&](const std::string& name) {
    return http::equals_ignoring_case(field.name, name);
  });
}

// The status says all; the rest is read for the connection's sake.
void AuthQuestion::on_response_body(std::string_view bytes) {
  read_ += bytes.size();
  if (read_ <= kMaxVerdict) return;
  call_.cancel();
  settle();
}

void AuthQuestion::on_call_failed(const Error& /*error*/) {
  status_ = 0;
  settle();
}

void AuthQuestion::give_up() {
  call_.cancel();
  status_ = 0;
  settle();
}

void AuthQuestion::settle() {
  timer_.cancel();
  if (std::exchange(answered_, true) || asking_) return;
  on_answered_();
}

http::RequestHead* make_auth_head(RequestContext& context, http::Method method,
                                  std::string_view host, std::string_view target) {
  Arena& arena = context.arena;
  const http::RequestHead& request = context.request;
  auto* head = arena.make<http::RequestHead>();
  head->method = method;
  head->host = host;
  const auto question = target.find('?');
  head->path = target.substr(0, question);
  head->has_query = question != std::string_view::npos;
  if (head->has_query) head->query = target.substr(question + 1);
  head->headers = request.headers.clone(arena);
  head->headers.remove_if(
      [](const http::Header& field) { return is_about_the_body(field) || claims_original(field); });
  write_forwarded_headers(*head, arena, context.connection, context.peer_trusted, true,
                          request.host);
  const std::string_view uri = request_uri(context);
  head->headers.add(arena, "X-Original-URL",
                    arena.concat(client_scheme(context), "://", request.host, uri));
  head->headers.add(arena, "X-Original-Method", http::to_string(request.method));
  head->headers.add(arena, "X-Auth-Request-Redirect", uri);
  return head;
}

}  // namespace gateway::filter
