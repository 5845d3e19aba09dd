#include "gateway/proxy/exchange.h"

#include <algorithm>

#include "gateway/base/uri.h"
#include "gateway/downstream/local_reply.h"
#include "gateway/filter/client_address.h"
#include "gateway/filter/request_text.h"
#include "gateway/http/fields.h"
#include "gateway/http/upgrade.h"
#include "gateway/proxy/proxy.h"
#include "gateway/routing/redirect.h"
#include "gateway/routing/rewrite.h"

namespace gateway::proxy {
namespace {

using filter::Verdict;
using http::HeaderId;

constexpr std::size_t kMaxEarlyBody = 64 * 1024;

bool takes_trailers(const http::HeaderList& headers) {
  bool takes = false;
  for (const http::Header& field : headers)
    if (field.id == HeaderId::te)
      http::for_each_list_item(field.value, [&takes](std::string_view item) {
        takes = takes || http::equals_ignoring_case(item, "trailers");
      });
  return takes;
}

// Answers that a client may repeat soon say when.
bool says_retry_after(int status) { return status == 503; }

}  // namespace

Exchange::Exchange(Proxy& proxy, downstream::Stream& stream)
    : proxy_(proxy),
      stream_(stream),
      ticket_(Callback<Verdict>::bind<&Exchange::on_resume>(this)),
      context_{stream.request(), stream.arena(), stream.connection(), stream.loop(), ticket_} {
  ticket_.context = &context_;
}

Exchange::~Exchange() { finish(status_, ErrorCode::canceled); }

void Exchange::run() {
  const snapshot::Snapshot* snapshot = proxy_.snapshot();
  const downstream::ConnectionFacts& connection = stream_.connection();
  if (snapshot == nullptr || connection.listener_index >= snapshot->model->listeners.size())
    return reply(ErrorCode::draining);
  const filter::ClientAddress client =
      filter::client_address(connection, context_.request,
                             snapshot->model->listeners[connection.listener_index].trusted_proxies);
  context_.client = client.address;
  context_.peer_trusted = client.peer_trusted;
  if (misdirected()) return reply(ErrorCode::misdirected);
  if (!snapshot->identity_headers.empty()) remove_identity_headers(context_.request.headers);
  match_ = snapshot->routes->find(connection.listener_index, context_.request);
  if (match_ == nullptr) return reply(ErrorCode::no_route);
  route_ = proxy_.bind(*match_->route);
  context_.route = route_->route().name();
  route_->cells().begin();
  http::HeaderList& headers = context_.request.headers;
  if (headers.has(HeaderId::te)) takes_trailers_ = takes_trailers(headers);
  if (headers.has(HeaderId::upgrade) && route_->model().upgrade != config::Upgrade::off)
    upgrade_ = http::asked_upgrade(context_.request);
  // Before filters add fields of their own, which a client's Connection must not take away.
  http::strip_hop_by_hop(headers);
  if (!context_.peer_trusted) filter::remove_forwarding_claims(headers);
  // Nobody is to show a token before the way is a private one.
  if (route_->model().https_only && filter::client_scheme(context_) == "http")
    return redirect(routing::https_location(*match_, context_.request, context_.arena), 308);
  run_request_filters();
}

// A client certificate was checked for the name in the handshake and for no other (CVE-2025-23419).
bool Exchange::misdirected() const {
  const downstream::ConnectionFacts& connection = stream_.connection();
  return connection.require_sni_match &&
         !http::equals_ignoring_case(without_port(context_.request.host),
                                     connection.tls->server_name);
}

void Exchange::remove_identity_headers(http::HeaderList& headers) const {
  for (const std::string& name : proxy_.snapshot()->identity_headers)
    headers.remove_if(
        [&](const http::Header& field) { return http::same_variable(field.name, name); });
}

void Exchange::run_request_filters() {
  std::vector<BoundFilter>& filters = route_->filters();
  if (filter_data_ == nullptr && route_->keeps_filter_data())
    filter_data_ = context_.arena.make_array<void*>(filters.size());
  while (next_filter_ < filters.size()) {
    const std::size_t index = next_filter_++;
    BoundFilter& bound = filters[index];
    context_.filter_data = nullptr;
    const bool wanted = (bound.hooks & filter::kOnRequest) != 0;
    const Verdict verdict = wanted ? bound.filter->on_request(context_) : Verdict::proceed;
    if (filter_data_ != nullptr) filter_data_[index] = context_.filter_data;
    if (verdict == Verdict::proceed) continue;
    if (verdict == Verdict::reply) return reply(context_.reply);
    return;  // on_resume goes on
  }
  act();
}

// Of the filters that have seen the request, those that have this hook.
template <typename Hook>
void Exchange::call_filters(unsigned hook, Hook&& call) {
  if (filter_data_ == nullptr) return;
  for (std::size_t i = 0; i < next_filter_; ++i) {
    BoundFilter& bound = route_->filters()[i];
    if ((bound.hooks & hook) == 0) continue;
    context_.filter_data = filter_data_[i];
    call(*bound.filter);
    filter_data_[i] = context_.filter_data;
  }
}

void Exchange::on_resume(Verdict verdict) {
  if (finished_) return;
  if (verdict == Verdict::reply) return reply(context_.reply);
  run_request_filters();
}

void Exchange::act() {
  const config::Route& route = route_->model();
  if (route.redirect) {
    const bool tls = filter::client_scheme(context_) == "https";
    return redirect(routing::redirect_location(*match_, context_.request, tls, context_.arena),
                    route.redirect->status);
  }
  if (route.respond) return respond();
  forward();
}

void Exchange::redirect(const Result<std::string_view>& location, int status) {
  if (!location) return reply(location.error().code);
  http::HeaderList headers = context_.response_headers;
  headers.add(context_.arena, HeaderId::location, *location);
  status_ = status;
  head_sent_ = true;
  downstream::send_text(stream_, status_, {}, {}, &headers);
  finish(status_, ErrorCode::none);
}

void Exchange::respond() {
  const config::FixedAnswer& answer = *route_->model().respond;
  status_ = answer.status;
  head_sent_ = true;
  response_bytes_ = downstream::send_text(stream_, status_, answer.content_type, answer.body,
                                          &context_.response_headers);
  finish(status_, ErrorCode::none);
}

void Exchange::count_arrival() {
  if (arrived_ || !route_) return;
  arrived_ = true;
  route_->cells().arrived(stream_.loop().now());
}

void Exchange::forward() {
  http::RequestHead& request = context_.request;
  // A body of unknown length may still turn out too large (413), which is no arrival.
  if (request_ended_ || request.body.framing != http::Framing::chunked) count_arrival();
  const std::string_view original_host = request.host;
  const config::Rare<config::Rewrite>& rewrite = route_->model().rewrite;
  if (rewrite) {
    auto rewritten = routing::rewrite(*match_, request, context_.arena);
    if (!rewritten) return reply(rewritten.error().code);
  }
  filter::write_forwarded_headers(request, context_.arena, stream_.connection(),
                                  context_.peer_trusted, rewrite && rewrite->host, original_host);
  const auto& targets = route_->model().forward;
  const auto random =
      static_cast<std::uint32_t>(targets.size() > 1 ? stream_.loop().random().next() >> 32 : 0);
  upstream_ = proxy_.target(*route_, route_->route().split.pick(random));
  if (!upstream_) return reply(ErrorCode::no_endpoint);
  upstream::CallOptions options = route_->call_options();
  options.upgrade = upgrade_;
  options.hash = upstream_->picker().hash_of(request, context_.client);
  calling_ = true;
  call_.start(upstream_, request, *this, options);
  if (!finished_) write_early_body();
}

// What came while a filter held the exchange.
void Exchange::write_early_body() {
  while (!early_body_.empty() && !finished_) {
    const std::string_view piece = early_body_.front();
    call_.write_body(piece);
    early_body_.consume(piece.size());
  }
  if (finished_) return;
  if (request_ended_) call_.end_body(request_trailers_);
  if (body_paused_ && call_.writable()) {
    body_paused_ = false;
    stream_.resume_body();
  }
}

bool Exchange::pass_stages(std::string_view& bytes) {
  for (std::size_t i = 0; i < context_.request_stage_count; ++i) {
    auto passed = context_.request_stages[i]->on_body(bytes);
    if (passed) continue;
    reply_or_reset(passed.error());
    return false;
  }
  return true;
}

void Exchange::on_request_body(std::string_view bytes) {
  if (finished_) return;
  request_bytes_ += bytes.size();
  if (substitute_call_) return;  // whom it was for has answered
  // What passes a tunnel is no body.
  if (!call_.tunnel() && !pass_stages(bytes)) return;
  if (calling_) {
    call_.write_body(bytes);
    if (finished_ || call_.writable()) return;
  } else {
    early_body_.append(bytes);
    if (early_body_.size() < kMaxEarlyBody) return;
  }
  body_paused_ = true;
  stream_.pause_body();
}

void Exchange::on_request_trailers(http::HeaderList& trailers) {
  if (finished_) return;
  remove_identity_headers(trailers);
  for (const std::string_view name : route_->identity_headers())
    trailers.remove_if(
        [&](const http::Header& field) { return http::same_variable(field.name, name); });
  // The list's fields live in the arena, the list itself may not.
  request_trailers_ = context_.arena.make<http::HeaderList>(trailers);
}

void Exchange::on_request_end() {
  request_ended_ = true;
  if (finished_ || !calling_ || substitute_call_) return;
  count_arrival();
  call_.end_body(request_trailers_);
  if (response_ended_ && !finished_) end_tunnel(ErrorCode::none);
}

void Exchange::on_request_failed(const Error& error) {
  if (finished_) return;
  if (calling_ && error.code != ErrorCode::body_too_large) count_arrival();
  reply_or_reset(error);
}

void Exchange::on_writable() {
  if (finished_ || !response_paused_) return;
  response_paused_ = false;
  answering_call().resume_response();
}

void Exchange::on_abort(const Error& error) {
  if (calling_) count_arrival();
  cancel_calls();
  finish(head_sent_ ? status_ : describe(ErrorCode::client_closed).status,
         error.code == ErrorCode::canceled ? ErrorCode::client_closed : error.code);
}

void Exchange::reply(ErrorCode code) {
  filter::LocalReply reply_of_code;
  reply_of_code.code = code;
  reply(reply_of_code);
}

void Exchange::reply(const filter::LocalReply& wanted) {
  status_ = wanted.status != 0 ? wanted.status : describe(wanted.code).status;
  if (status_ == 503) count_arrival();
  http::HeaderList headers = context_.response_headers;
  for (const http::Header& field : wanted.headers) headers.add(context_.arena, field);
  if (says_retry_after(status_) && !headers.has(HeaderId::retry_after))
    headers.add(context_.arena, HeaderId::retry_after, "1");
  proxy_.metrics().process().local_reply(wanted.code);
  head_sent_ = true;
  if (wanted.close) stream_.close_after();
  response_bytes_ = downstream::send_local_reply(
      stream_, {wanted.code, status_, wanted.text, context_.request_id, &headers});
  finish(status_, wanted.code);
}

void Exchange::reply_or_reset(const Error& error) {
  cancel_calls();
  if (!head_sent_) {
    filter::LocalReply wanted;
    wanted.code = error.code;
    if (substitute_call_ && error.side == Side::upstream) {
      wanted.status = dropped_status_;
      wanted.text = "The service answered with an error.";
    }
    return reply(wanted);
  }
  stream_.reset(error);
  finish(status_, error.code);
}

// What is left of the answer that is dropped ends with its connection.
void Exchange::substitute(int status) {
  dropped_status_ = status;
  call_.cancel();
  const filter::Substitute& wanted = *context_.substitute;
  substitute_call_ = std::make_unique<upstream::Call>();
  upstream::CallOptions options;
  options.request_timeout = wanted.timeout;
  substitute_call_->start(LocalPtr<upstream::Upstream>(wanted.upstream), wanted.head, *this,
                          options);
}

void Exchange::cancel_calls() {
  call_.cancel();
  if (substitute_call_) substitute_call_->cancel();
}

void Exchange::on_call_ready() {
  stream_.send_continue();
  if (!body_paused_ || finished_ || !call_.writable()) return;
  body_paused_ = false;
  stream_.resume_body();
}

void Exchange::on_informational(http::ResponseHead& head) {
  // 100 is ours to say (on_call_ready); what else may precede an answer passes.
  if (head.status == 100) return;
  http::strip_hop_by_hop(head.headers);
  stream_.send_informational(head.status, head.headers);
}

void Exchange::on_response_head(http::ResponseHead& head) {
  count_arrival();
  if (head.status == 101) return start_tunnel(head);
  if (!prepare_head(head)) return;
  auto sent = stream_.send_head(head);
  if (!sent)
    return reply_or_reset(Error(ErrorCode::upstream_protocol, Side::upstream, sent.error().detail));
  status_ = head.status;
  head_sent_ = true;
}

// False: a filter has the answer dropped and another asked for.
bool Exchange::prepare_head(http::ResponseHead& head) {
  http::strip_hop_by_hop(head.headers);
  const auto drops = [this] { return context_.substitute != nullptr && !substitute_call_; };
  call_filters(filter::kOnResponse, [&](filter::Filter& each) {
    if (!drops()) each.on_response(context_, head);
  });
  if (drops()) {
    substitute(head.status);
    return false;
  }
  for (const http::Header& field : context_.response_headers)
    head.headers.set(context_.arena, field.name, field.value);
  if (substitute_call_) return true;  // its endpoint is not the one to come back to
  const std::string_view cookie =
      upstream_->picker().cookie_for(context_.request, *call_.endpoint(), context_.arena);
  if (!cookie.empty()) head.headers.add(context_.arena, HeaderId::set_cookie, cookie);
  return true;
}

// Who answers 101 without having been asked, or takes up something else, would have the client's
// next request read by rules of its own.
void Exchange::start_tunnel(http::ResponseHead& head) {
  const auto refuse = [this](std::string why) {
    reply_or_reset(Error(ErrorCode::upstream_protocol, Side::upstream, std::move(why)));
  };
  if (substitute_call_ || upgrade_.empty() || !http::takes_up(head.headers, upgrade_))
    return refuse("unasked 101");
  if (!prepare_head(head)) return;
  auto started = stream_.start_tunnel(head, upgrade_);
  if (!started) return refuse(started.error().detail);
  status_ = head.status;
  head_sent_ = true;
  request_ended_ = false;
  tunnel_after_ = stream_.loop().now() - stream_.started();
  call_.start_tunnel();
}

// Both sides have said that they send no more, or nobody has said anything for too long.
void Exchange::end_tunnel(ErrorCode code) {
  finish(status_, code);
  stream_.send_end();
}

void Exchange::on_response_body(std::string_view bytes) {
  response_bytes_ += bytes.size();
  stream_.send_body(bytes);
  if (finished_ || response_paused_ || stream_.writable()) return;
  response_paused_ = true;
  answering_call().pause_response();
}

void Exchange::on_response_trailers(http::HeaderList& trailers) {
  if (!takes_trailers_) return;  // RFC 9110 §6.5.1
  http::strip_hop_by_hop(trailers);
  for (const http::Header& field : trailers)
    response_trailers_.add(context_.arena, {field.id, context_.arena.copy(field.name),
                                            context_.arena.copy(field.value)});
}

void Exchange::on_response_end() {
  if (call_.tunnel() && !request_ended_) {
    response_ended_ = true;
    return stream_.end_sending();
  }
  finish(status_, ErrorCode::none);
  stream_.send_end(response_trailers_.empty() ? nullptr : &response_trailers_);
}

void Exchange::on_call_failed(const Error& error) {
  count_arrival();
  if (error.code == ErrorCode::tunnel_idle) return end_tunnel(error.code);
  if (!head_sent_ && !substitute_call_) {
    const int status = describe(error.code).status;
    call_filters(filter::kOnFailure,
                 [&](filter::Filter& each) { each.on_failure(context_, status); });
    if (context_.substitute != nullptr) return substitute(status);
  }
  reply_or_reset(error);
}

void Exchange::on_call_writable() {
  if (finished_ || !body_paused_) return;
  body_paused_ = false;
  stream_.resume_body();
}

void Exchange::finish(int status, ErrorCode code) {
  if (finished_) return;
  finished_ = true;
  ticket_.unlink();
  const Duration took = call_.tunnel() ? tunnel_after_ : stream_.loop().now() - stream_.started();
  if (route_) {
    RouteCells& cells = route_->cells();
    cells.finish(status, took, request_bytes_, response_bytes_);
    if (call_.attempts() > 1) cells.retries.add(call_.attempts() - 1);
    const filter::Outcome outcome{status, code, request_bytes_, response_bytes_};
    call_filters(filter::kOnDone, [&](filter::Filter& each) { each.on_done(context_, outcome); });
  }
  log(status, code);
}

void Exchange::log(int status, ErrorCode code) {
  AccessLogShard* access_log = proxy_.access_log();
  const bool wanted = access_log != nullptr && access_log->enabled();
  if (!wanted && status < 500 && status != 0) return;
  AccessRecord record;
  record.started = stream_.started();
  record.took = stream_.loop().now() - record.started;
  record.request_id = context_.request_id;
  record.client = context_.client;
  const http::RequestHead& request = context_.request;
  record.method = http::to_string(request.method);
  record.host = request.host;
  record.path = request.path;
  record.query = request.query;
  record.status = status;
  record.flag = code == ErrorCode::none ? "-" : describe(code).flag;
  record.bytes_in = request_bytes_;
  record.bytes_out = response_bytes_;
  record.route = context_.route;
  if (upstream_) record.upstream = upstream_->settings().name;
  if (const upstream::Endpoint* endpoint = call_.endpoint()) record.endpoint = endpoint->label();
  if (call_.time_to_head() > Duration::zero()) record.upstream_took = call_.time_to_head();
  record.attempts = static_cast<int>(call_.attempts());
  record.user = context_.user;
  record.tls_version = stream_.connection().tls->version;
  if (wanted) access_log->write(record);
  if (status >= 500 || status == 0) proxy_.metrics().recent_errors().note(record);
}

}  // namespace gateway::proxy
