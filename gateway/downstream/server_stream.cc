#include "gateway/downstream/server_stream.h"

namespace gateway::downstream {
namespace {

// Body bytes that we are ready to read and throw away so that the connection can be kept after an
// answer that came before the body's end. More than this costs more than a new connection.
constexpr std::uint64_t kDrainable = 64 * 1024;

}  // namespace

void ServerStream::begin(Handler& handler, http::RequestHead& head, Instant now) {
  head_ = &head;
  started_ = now;
  exchange_ = handler.begin(*this);
}

bool ServerStream::bodyless() const {
  return (head_ != nullptr && head_->method == http::Method::head) || status_ == 204 ||
         status_ == 304;
}

// An unread body that is long, of unknown length, or that waits for a 100 we will not send cannot
// be skipped cheaply: say so in the head (RFC 9112 §9.3).
bool ServerStream::answer_ends_connection() const {
  if (close_after_ || head_ == nullptr || !head_->keep_alive) return true;
  if (request_done_ || !head_->body.has_body()) return false;
  if (head_->expect_continue && !continue_sent_) return true;
  if (head_->body.framing != http::Framing::length) return true;
  return head_->body.length - body_bytes_ > kDrainable;
}

void ServerStream::send_informational(int status, const http::HeaderList& headers) {
  if (connection_ == nullptr || response_started_) return;
  if (head_->version == http::Version::http10) return;
  connection_->codec_->encode_informational(id_, status, headers, connection_->output_.buffer());
  connection_->output_.later();
}

void ServerStream::send_continue() {
  if (connection_ == nullptr || response_started_ || continue_sent_) return;
  if (!head_->expect_continue || request_done_ || body_bytes_ > 0) return;
  continue_sent_ = true;
  send_informational(100, {});
}

Result<void> ServerStream::send_head(const http::ResponseHead& head) {
  GATEWAY_CHECK(!response_started_);
  if (connection_ == nullptr) return {};
  const config::ListenerHttp& http = connection_->listener_.http;
  const bool last = connection_->listener_.draining || connection_->eof_ ||
                    (http.max_requests_per_connection != 0 &&
                     connection_->requests_ + 1 >= http.max_requests_per_connection) ||
                    answer_ends_connection();
  auto encoded = connection_->codec_->encode_head(id_, head, last, connection_->output_.buffer());
  if (!encoded) return encoded;
  response_started_ = true;
  status_ = head.status;
  if (last || connection_->codec_->ends_by_close(id_)) connection_->close_after_flush_ = true;
  connection_->output_.later();
  return {};
}

void ServerStream::send_body(std::string_view bytes) {
  GATEWAY_CHECK(response_started_ && !response_done_);
  if (connection_ == nullptr || bytes.empty() || bodyless()) return;
  connection_->codec_->encode_body_prefix(id_, bytes.size(), connection_->output_.buffer());
  connection_->output_.append(bytes);
  connection_->codec_->encode_body_suffix(id_, bytes.size(), connection_->output_.buffer());
}

void ServerStream::send_end(const http::HeaderList* trailers) {
  GATEWAY_CHECK(response_started_ && !response_done_);
  response_done_ = true;
  over();
  if (connection_ == nullptr) return;
  if (tunnel_) connection_->close_after_flush_ = true;
  connection_->codec_->encode_end(id_, trailers, connection_->output_.buffer());
  connection_->output_.later();
  // Nobody else will: the exchange is over, and the client may still be in its body.
  if (body_paused_) resume_body();
}

Result<void> ServerStream::start_tunnel(const http::ResponseHead& head, std::string_view protocol) {
  GATEWAY_CHECK(request_done_ && !response_started_);
  if (connection_ == nullptr) return {};
  auto encoded =
      connection_->codec_->encode_switch(id_, head, protocol, connection_->output_.buffer());
  if (!encoded) return encoded;
  response_started_ = tunnel_ = true;
  request_done_ = false;
  status_ = head.status;
  connection_->start_tunnel();
  return {};
}

void ServerStream::end_sending() {
  GATEWAY_CHECK(tunnel_ && !response_done_);
  if (connection_ != nullptr) connection_->end_sending();
}

void ServerStream::reset(const Error& error) {
  over();
  if (connection_ == nullptr) return;
  // HTTP/1 has no way to say it but to close before the end of the body.
  connection_->output_.flush();
  connection_->close(error);
}

bool ServerStream::writable() const {
  return connection_ == nullptr || connection_->transport_->queued() < ServerConnection::kHighWater;
}

void ServerStream::pause_body() {
  body_paused_ = true;
  if (connection_ != nullptr && !request_done_) connection_->transport_->read_stop();
}

void ServerStream::resume_body() {
  body_paused_ = false;
  if (connection_ != nullptr) connection_->read_on();
}

void ServerStream::request_body(std::string_view bytes) {
  body_bytes_ += bytes.size();
  if (exchange_alive()) exchange_->on_request_body(bytes);
}

void ServerStream::request_trailers(http::HeaderList& trailers) {
  if (exchange_alive()) exchange_->on_request_trailers(trailers);
}

void ServerStream::request_end() {
  request_done_ = true;
  if (exchange_alive()) exchange_->on_request_end();
}

bool ServerStream::request_failed(const Error& error) {
  close_after_ = true;
  if (!exchange_alive()) return false;
  exchange_->on_request_failed(error);
  return true;
}

void ServerStream::writable_again() {
  if (exchange_alive()) exchange_->on_writable();
}

void ServerStream::abort(const Error& error) {
  connection_ = nullptr;
  if (!exchange_alive()) return;
  over_ = true;
  exchange_->on_abort(error);
}

// The exchange may be further up the call stack: it dies with the stream, at the end of the turn.
void ServerStream::over() { over_ = true; }

}  // namespace gateway::downstream
