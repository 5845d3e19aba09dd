#include "gateway/upstream/call.h"

#include <algorithm>

namespace gateway::upstream {

void Call::start(LocalPtr<Upstream> upstream, const http::RequestHead& head, CallObserver& observer,
                 const CallOptions& options) {
  GATEWAY_CHECK(observer_ == nullptr && attempts_ == 0);
  upstream_ = std::move(upstream);
  head_ = &head;
  observer_ = &observer;
  options_ = options;
  body_expected_ = head.body.has_body();
  body_ended_ = !body_expected_;
  started_ = last_activity_ = upstream_->loop().now();
  upstream_->budget().count_request(started_);
  upstream_->cells().begin();
  // What falls free belongs to those who came before.
  if (upstream_->has_endpoints() && upstream_->somebody_waits()) return wait_for_capacity();
  try_start();
}

Duration Call::request_timeout() const {
  return options_.request_timeout.value_or(upstream_->settings().timeouts.request);
}

Duration Call::idle_timeout() const {
  if (tunnel_) return upstream_->settings().timeouts.tunnel_idle;
  return options_.idle_timeout.value_or(upstream_->settings().timeouts.idle);
}

void Call::try_start() {
  if (!upstream_->has_endpoints()) return fail_without_endpoint();
  if (!request_place_) {
    request_place_ = Place::take(upstream_->load().requests, upstream_->settings().limits.requests);
    if (!request_place_) return wait_for_capacity();
  }
  const std::size_t tried = std::min<std::size_t>(attempts_, kMaxTried);
  const PickContext context{options_.hash, std::span(tried_.data(), tried)};
  const auto choice = upstream_->picker().pick(context, upstream_->loop().now());
  if (!choice) return fail_without_endpoint();
  begin_attempt(*choice);
}

// Where a retry finds nobody, what went wrong before says more than that.
void Call::fail_without_endpoint() {
  const ErrorCode code = cause_ != ErrorCode::none ? cause_ : ErrorCode::no_endpoint;
  fail(Error(code, Side::upstream, upstream_->settings().name));
}

void Call::begin_attempt(const Choice& choice) {
  EndpointPool& pool = upstream_->pool(choice.index);
  use_ = EndpointUse(*choice.endpoint);
  attempt_started_ = upstream_->loop().now();
  ClientConnection* connection = pool.take_idle();
  if (connection == nullptr && !pool.connect_for(*this) &&
      !(upstream_->close_some_idle(pool) && pool.connect_for(*this))) {
    use_.release();
    if (choice.trial) choice.endpoint->return_trial();
    return wait_for_capacity();
  }
  leave_queue();
  last_endpoint_ = choice.endpoint;
  attempt_cells_ = &pool.cells();
  attempt_cells_->begin();
  status_ = 0;
  tried_[attempts_ % kMaxTried] = choice.endpoint;
  ++attempts_;
  if (connection == nullptr) return arm_timer();
  upstream_->cells().reuses.add();
  on_connection(*connection);
}

void Call::wait_for_capacity() {
  if (!waiting_place_) {
    waiting_place_ =
        Place::take(upstream_->load().waiting, std::max(1U, upstream_->settings().limits.waiting));
    if (!waiting_place_)
      return fail(Error(ErrorCode::upstream_overflow, Side::upstream, upstream_->settings().name));
    upstream_->cells().waiting.add();
  }
  upstream_->wait_for_capacity(*this);
  arm_timer();
}

void Call::leave_queue() {
  if (!waiting_place_) return;
  waiting_place_.release();
  upstream_->cells().waiting.sub();
}

void Call::on_capacity() { try_start(); }

void Call::on_connection(ClientConnection& connection) {
  connection_ = &connection;
  stream_ = connection.open_stream(*this);
  send_request();
}

void Call::send_request() {
  http::RequestEncoding encoding;
  encoding.upgrade = options_.upgrade;
  auto sent = connection_->send_head(stream_, *head_, encoding);
  if (!sent) {
    const Error error = sent.error();
    return fail(error);
  }
  while (!pending_.empty()) {
    const std::string_view piece = pending_.front();
    body_sent_ = true;
    bytes_sent_ += piece.size();
    connection_->send_body(stream_, piece);
    pending_.consume(piece.size());
  }
  if (body_ended_) end_request();
  arm_timer();
  if (body_expected_) observer_->on_call_ready();
}

void Call::end_request() { connection_->send_end(stream_, trailers_); }

void Call::write_body(std::string_view bytes) {
  if (observer_ == nullptr || body_ended_) return;
  last_activity_ = upstream_->loop().now();
  if (connection_ == nullptr) return pending_.append(bytes);
  body_sent_ = true;
  bytes_sent_ += bytes.size();
  connection_->send_body(stream_, bytes);
}

void Call::end_body(http::HeaderList* trailers) {
  if (observer_ == nullptr || body_ended_) return;
  body_ended_ = true;
  trailers_ = trailers;
  last_activity_ = upstream_->loop().now();
  if (connection_ != nullptr) end_request();
  if (response_ended_) return cancel();
  arm_timer();
}

void Call::start_tunnel() {
  GATEWAY_CHECK(connection_ != nullptr && head_received_ && body_ended_);
  connection_->start_tunnel(stream_);
  tunnel_ = true;
  body_ended_ = false;
  arm_timer();
}

bool Call::writable() const {
  return connection_ != nullptr ? connection_->writable() : pending_.size() < kMaxPending;
}

void Call::pause_response() {
  response_paused_ = true;
  if (connection_ != nullptr) connection_->pause_reading();
}

void Call::resume_response() {
  response_paused_ = false;
  if (upstream_) last_activity_ = upstream_->loop().now();
  if (connection_ != nullptr) connection_->resume_reading();
}

// Before the head the nearer of two deadlines counts, after it silence alone. The whole request's
// deadline does not move with another try.
void Call::arm_timer() {
  const Duration silent = upstream_->loop().now() - last_activity_;
  Duration wait = head_received_ ? idle_timeout() : request_timeout();
  if (wait > Duration::zero()) wait = std::max(wait - silent, Duration(1));
  const Duration per_try = upstream_->settings().timeouts.per_try;
  if (!head_received_ && connection_ != nullptr && body_ended_ && per_try > Duration::zero())
    wait = wait > Duration::zero() ? std::min(wait, per_try) : per_try;
  if (wait > Duration::zero())
    timer_.arm(upstream_->loop().timers(), wait);
  else
    timer_.cancel();
}

void Call::on_timer() {
  const Instant now = upstream_->loop().now();
  const Duration silent = now - last_activity_;
  if (head_received_) {
    const Duration limit = idle_timeout();
    if (limit == Duration::zero()) return;
    if (response_paused_ || silent < limit)
      return timer_.arm(upstream_->loop().timers(), response_paused_ ? limit : limit - silent);
    // Nobody is to blame for a tunnel's silence.
    if (tunnel_) return fail(Error(ErrorCode::tunnel_idle, Side::internal));
    return fail(Error(ErrorCode::upstream_idle_timeout, Side::upstream));
  }
  const Duration limit = request_timeout();
  // The endpoint waits for the body as we do; the least rate that clients must keep bounds that. An
  // endpoint that does not take what is there is the one that is waited for.
  const bool client_is_awaited = connection_ != nullptr && !body_ended_ && connection_->all_sent();
  if (client_is_awaited && limit > Duration::zero())
    return timer_.arm(upstream_->loop().timers(), limit);
  if (limit > Duration::zero() && silent >= limit)
    return fail(Error(ErrorCode::upstream_timeout, Side::upstream));
  const Duration per_try = upstream_->settings().timeouts.per_try;
  if (connection_ != nullptr && body_ended_ && per_try > Duration::zero() &&
      now - std::max(attempt_started_, last_activity_) >= per_try)
    return on_stream_failed(Error(ErrorCode::per_try_timeout, Side::upstream));
  timer_.arm(upstream_->loop().timers(), limit > Duration::zero() ? limit - silent : per_try);
}

// Whether the request can be sent once more without the risk that it is carried out twice.
bool Call::may_repeat(const Error& error) const {
  if (head_received_ || body_sent_) return false;
  if (error.retriable || error.code == ErrorCode::connect_failed ||
      error.code == ErrorCode::connect_timeout || error.code == ErrorCode::upstream_tls_failed)
    return true;  // nothing of it ever reached the endpoint
  return http::is_idempotent(head_->method);
}

bool Call::try_again(const Error& error) {
  const config::Retries& retries = upstream_->settings().retries;
  if (!options_.retry || attempts_ > retries.attempts || !may_repeat(error)) return false;
  const Instant now = upstream_->loop().now();
  const Duration limit = request_timeout();
  if (limit > Duration::zero() && now - last_activity_ >= limit) return false;
  const bool granted = upstream_->budget().try_retry(now);
  (granted ? upstream_->cells().retries : upstream_->cells().retries_refused).add();
  return granted;
}

void Call::report(Outcome outcome) {
  if (use_.endpoint() == nullptr) return;
  const bool ejected = upstream_->picker().report(*use_.endpoint(), outcome, attempt_started_,
                                                  upstream_->loop().now());
  if (ejected) attempt_cells_->ejections.add();
}

void Call::end_attempt() {
  use_.release();
  if (attempt_cells_ == nullptr) return;
  const bool answered = status_ != 0;
  attempt_cells_->finish(status_,
                         answered ? attempt_took_ : upstream_->loop().now() - attempt_started_);
  attempt_cells_ = nullptr;
}

// Once per call, when it is over for its maker; a call that was given up has no status.
void Call::count_end() {
  // How long a tunnel lasted says nothing of how quick the upstream is.
  const Duration took = tunnel_ ? time_to_head_ : upstream_->loop().now() - started_;
  upstream_->cells().finish(head_received_ ? status_ : 0, took, bytes_sent_, bytes_received_);
}

void Call::on_no_connection(const Error& error) { on_stream_failed(error); }

// Not an attempt: nothing was tried.
void Call::on_no_place() {
  attempt_cells_->in_flight.sub();
  attempt_cells_ = nullptr;
  use_.release();
  --attempts_;
  wait_for_capacity();
}

void Call::on_stream_failed(const Error& error) {
  // How a tunnel ends is its two ends' affair and says nothing of the endpoint's health.
  if (tunnel_) return fail(error);
  Error judged = error;
  // The endpoint may have closed a kept connection just when we chose it: nothing of the request
  // left this process, so it is safe to repeat whatever the method.
  if (connection_ != nullptr && connection_->sent_nothing()) judged.retriable = true;
  if (const auto outcome = outcome_of(error.code);
      outcome && !(connection_ != nullptr && connection_->reused() && judged.retriable))
    report(*outcome);
  if (!try_again(judged)) return fail(judged);
  cause_ = judged.code;
  detach();
  try_start();
}

void Call::fail(const Error& error) {
  if (error.code == ErrorCode::upstream_timeout || error.code == ErrorCode::upstream_idle_timeout)
    report_timeout();
  if (error.code == ErrorCode::no_endpoint) upstream_->cells().no_endpoint.add();
  if (error.code == ErrorCode::upstream_overflow) upstream_->cells().overflows.add();
  CallObserver* observer = observer_;
  cancel();
  if (observer != nullptr) observer->on_call_failed(error);
}

// Without a connection for longer than a connect may take, it was queueing behind other requests:
// that is no fault of the endpoint.
void Call::report_timeout() {
  const Duration waited = upstream_->loop().now() - attempt_started_;
  if (connection_ != nullptr)
    report(Outcome::failure);
  else if (waited < upstream_->settings().timeouts.connect)
    report(Outcome::connect_timeout);
}

void Call::detach() {
  PoolWaiter::unlink();
  CapacityWaiter::unlink();
  if (connection_ != nullptr && !connection_->closed()) connection_->abandon(stream_);
  connection_ = nullptr;
  end_attempt();
}

void Call::cancel() {
  const bool ends = observer_ != nullptr;
  observer_ = nullptr;
  timer_.cancel();
  detach();
  if (ends) count_end();
  leave_queue();
  pending_.clear();
  if (request_place_) {
    request_place_.release();
    upstream_->on_capacity();
  }
}

void Call::on_informational(http::ResponseHead& head) { observer_->on_informational(head); }

bool Call::retry_status(int status) {
  const auto& statuses = upstream_->settings().retries.statuses;
  if (std::find(statuses.begin(), statuses.end(), status) == statuses.end()) return false;
  if (!http::is_idempotent(head_->method)) return false;
  return try_again(Error(ErrorCode::upstream_reset, Side::upstream));
}

void Call::on_response_head(http::ResponseHead& head) {
  status_ = head.status;
  attempt_took_ = upstream_->loop().now() - attempt_started_;
  report(outcome_of(head.status));
  if (!upstream_->settings().retries.statuses.empty() && retry_status(head.status)) {
    detach();
    return try_start();
  }
  head_received_ = true;
  last_activity_ = upstream_->loop().now();
  time_to_head_ = last_activity_ - started_;
  if (head.body.has_body()) arm_timer();
  observer_->on_response_head(head);
}

void Call::on_response_body(std::string_view bytes) {
  last_activity_ = upstream_->loop().now();
  bytes_received_ += bytes.size();
  observer_->on_response_body(bytes);
}

void Call::on_response_trailers(http::HeaderList& trailers) {
  observer_->on_response_trailers(trailers);
}

void Call::on_response_end() {
  if (tunnel_ && !body_ended_) {
    response_ended_ = true;
    return observer_->on_response_end();
  }
  connection_ = nullptr;
  CallObserver* observer = observer_;
  cancel();
  observer->on_response_end();
}

void Call::on_stream_writable() { observer_->on_call_writable(); }

}  // namespace gateway::upstream
