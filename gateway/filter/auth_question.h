#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "gateway/base/callback.h"
#include "gateway/filter/filter.h"
#include "gateway/runtime/timer.h"
#include "gateway/upstream/call.h"

namespace gateway::filter {

/// One question to an upstream about one request: may it go on? Belongs to its exchange, whose
/// arena holds what is sent and what is kept of the answer, and ends with it: a client that leaves
/// takes its question along. Never repeated beyond what a call repeats by itself.
class AuthQuestion final : private upstream::CallObserver {
 public:
  /// `keep`: names of the answer's fields that are kept beside Set-Cookie and WWW-Authenticate;
  /// they outlive the question. `answered` runs once, when the answer came after ask() had
  /// returned.
  AuthQuestion(RequestContext& context, std::span<const std::string> keep, Callback<> answered);
  ~AuthQuestion() { stop(); }
  AuthQuestion(const AuthQuestion&) = delete;
  AuthQuestion& operator=(const AuthQuestion&) = delete;

  /// Once. `timeout` bounds the whole of it, to the end of the answer. `head` lives as long as the
  /// exchange. It may be answered when this returns.
  void ask(upstream::Upstream* upstream, const http::RequestHead& head, Duration timeout);
  /// Nothing is called any more. Idempotent.
  void stop();

  bool answered() const { return answered_; }
  /// Of the answer; 0: there is none, or it was cut short.
  int status() const { return status_; }
  /// What was kept of its head.
  const http::HeaderList& fields() const { return fields_; }
  RequestContext& context() { return context_; }

 private:
  void on_call_ready() override {}
  void on_call_writable() override {}
  void on_informational(http::ResponseHead& /*head*/) override {}
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view bytes) override;
  void on_response_trailers(http::HeaderList& /*trailers*/) override {}
  void on_response_end() override { settle(); }
  void on_call_failed(const Error& error) override;
  void give_up();
  bool keeps(const http::Header& field) const;
  void settle();

  RequestContext& context_;
  std::span<const std::string> keep_;
  Callback<> on_answered_;
  upstream::Call call_;
  Timer timer_;
  Instant deadline_{};
  http::HeaderList fields_;
  std::size_t read_ = 0;
  int status_ = 0;
  bool asking_ = false;  ///< inside ask()
  bool answered_ = false;
};

/// The head of such a question: `headers` without those that speak of a body, of conditions or of a
/// part, which are the request's own business, with what tells the upstream about the request
/// (X-Original-URL, X-Original-Method, X-Auth-Request-Redirect, the X-Forwarded family). In the
/// context's arena.
http::RequestHead* make_auth_head(RequestContext& context, http::Method method,
                                  std::string_view host, std::string_view target);

}  // namespace gateway::filter
