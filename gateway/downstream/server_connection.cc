#include "gateway/downstream/server_connection.h"

#include "gateway/downstream/local_reply.h"
#include "gateway/downstream/server_stream.h"
#include "gateway/http/h1_server_codec.h"
#include "gateway/metrics/cells.h"

namespace gateway::downstream {
namespace {

constexpr std::size_t kMaxHeldBack = 64 * 1024;
constexpr std::uint64_t kMaxDiscarded = 256 * 1024;
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr Duration kRateCheck = std::chrono::seconds(5);
// What a request leaves behind is freed at the end of the turn, and others want theirs.
constexpr std::uint32_t kMostPerTurn = 128;

}  // namespace

ServerConnection::ServerConnection(EventLoop& loop, ListenerState& listener)
    : loop_(loop),
      listener_(listener),
      output_(loop, Callback<>::bind<&ServerConnection::on_sent>(this)),
      read_timer_(Callback<>::bind<&ServerConnection::on_read_timer>(this)),
      write_timer_(Callback<>::bind<&ServerConnection::on_write_timer>(this)) {
  listener_.connections.push_back(*this);
  count_open();
}

ServerConnection::~ServerConnection() { GATEWAY_CHECK(closed_ && stream_ == nullptr); }

ServerConnection& ServerConnection::accept(EventLoop& loop, ListenerState& listener, int fd,
                                           const SocketAddress& peer, const SocketAddress& local,
                                           bool peer_from_proxy_protocol,
                                           net::ServerTlsContext* tls, std::string_view early) {
  auto* connection = new ServerConnection(loop, listener);
  ConnectionFacts& facts = connection->facts_;
  facts.peer = peer;
  facts.local = local;
  facts.peer_from_proxy_protocol = peer_from_proxy_protocol;
  facts.listener = listener.name;
  facts.listener_index = listener.index;
  facts.require_sni_match = listener.require_sni_match;
  net::TransportOwner& owner = *connection;
  if (tls != nullptr)
    connection->transport_ =
        net::make_tls_server_transport(loop, fd, peer, local, *tls, owner, early);
  else
    connection->transport_ = net::make_tcp_transport(loop, fd, peer, local, owner, early);
  connection->output_.attach(*connection->transport_);
  facts.tls = &connection->transport_->facts();
  return *connection;
}

void ServerConnection::count_open() {
  if (listener_.open_connections != nullptr)
    listener_.open_connections->fetch_add(1, std::memory_order_relaxed);
  if (listener_.cells == nullptr) return;
  listener_.cells->accepted.add();
  listener_.cells->active.add();
}

void ServerConnection::count_closed() {
  if (listener_.open_connections != nullptr)
    listener_.open_connections->fetch_sub(1, std::memory_order_relaxed);
  if (listener_.cells != nullptr) listener_.cells->active.sub();
}

void ServerConnection::count_dropped_fields() {
  if (listener_.process == nullptr || codec_->dropped_underscores() == dropped_fields_) return;
  listener_.process->underscore_headers.add(codec_->dropped_underscores() - dropped_fields_);
  dropped_fields_ = codec_->dropped_underscores();
}

void ServerConnection::count_handshake() {
  if (listener_.cells == nullptr || !facts_.tls->is_tls) return;
  const bool tls13 = facts_.tls->version == "TLSv1.3";
  listener_.cells->handshake_done(tls13 ? TlsVersionLabel::tls13 : TlsVersionLabel::tls12,
                                  facts_.tls->resumed);
}

void ServerConnection::on_transport_open() {
  count_handshake();
  codec_ = std::make_unique<http::H1ServerCodec>(static_cast<http::RequestEvents&>(*this),
                                                 listener_.request_options);
  // A client that connects and says nothing is bounded like one that says it slowly.
  read_timer_.arm(loop_.timers(), listener_.http.header_timeout);
}

void ServerConnection::on_transport_read(std::string_view bytes) {
  if (closed_) return;
  if (closing_) {
    discarded_ += bytes.size();
    // Closing with unread bytes in the socket would reset it: kLinger ends this.
    if (discarded_ > kMaxDiscarded) transport_->read_stop();
    return;
  }
  if (close_after_flush_ && (stream_ == nullptr || stream_->request_done())) return;
  if (!held_back_.empty() || (stream_ != nullptr && stream_->request_done()))
    return hold_back(bytes);
  feed(bytes);
}

// A client that sends requests faster than it takes answers, or than we get round to, waits.
bool ServerConnection::overfull() const {
  return transport_->queued() + output_.size() >= kHighWater;
}

bool ServerConnection::may_begin() const {
  return (begun_ < kMostPerTurn || begun_turn_ != loop_.turn()) && !overfull();
}

void ServerConnection::feed(std::string_view bytes) {
  const ServerStream* const in_head = codec_->in_head() ? stream_ : nullptr;
  while (!bytes.empty()) {
    if (stream_ == nullptr && !may_begin()) break;
    auto used = codec_->decode(bytes);
    if (closed_) return;
    if (!used) return refuse(used.error());
    bytes.remove_prefix(*used);
    if (stream_ != nullptr && stream_->complete()) release_stream();
    if (close_after_flush_) return;
    if (stream_ != nullptr && (stream_->request_done() || *used == 0)) break;
  }
  if (!bytes.empty()) hold_back(bytes);
  // From a head's first byte on; the same bytes may have ended the one before.
  if (codec_->in_head() && stream_ != in_head)
    read_timer_.arm(loop_.timers(), listener_.http.header_timeout);
}

void ServerConnection::hold_back(std::string_view bytes) {
  held_back_.append(bytes);
  if (held_back_.size() > kMaxHeldBack) transport_->read_stop();
}

void ServerConnection::feed_held_back() {
  Buffer bytes = std::move(held_back_);
  while (!bytes.empty() && !closed_ && !close_after_flush_) {
    const std::string_view piece = bytes.front();
    feed(piece);
    if (!held_back_.empty()) {
      // What feed() held back is the end of this piece: the rest follows it.
      bytes.consume(piece.size());
      held_back_.append(std::move(bytes));
      break;
    }
    bytes.consume(piece.size());
  }
  if (!closed_ && (stream_ == nullptr || !stream_->body_paused())) read_on();
}

void ServerConnection::read_on() {
  if (!transport_->reading() && held_back_.size() <= kMaxHeldBack) transport_->read_start();
}

// With what was held back, unless that must wait on: for the client to take its answers
// (on_transport_drained), or for the next turn.
void ServerConnection::go_on() {
  if (may_begin()) return feed_held_back();
  if (!overfull()) read_timer_.arm(loop_.timers(), Duration::zero());
}

// The codec found the bytes wrong. An exchange that was begun answers itself; else the connection
// does.
void ServerConnection::refuse(const Error& error) {
  if (stream_ != nullptr && stream_->response_started())
    return close(error);  // the answer under way cannot be completed honestly
  close_after_flush_ = true;
  if (stream_ != nullptr) {
    if (stream_->request_failed(error)) return;
    drop_stream(Error(ErrorCode::canceled, Side::internal));
  }
  listener_.handler->on_refused(facts_, error);
  write_refusal(*codec_, error, output_.buffer());
  output_.later();
}

Arena& ServerConnection::on_stream_begin(http::StreamId id) {
  GATEWAY_CHECK(stream_ == nullptr);
  stream_ = new ServerStream(*this, id);
  if (begun_turn_ != loop_.turn()) begun_ = 0;
  begun_turn_ = loop_.turn();
  ++begun_;
  return stream_->arena();
}

void ServerConnection::on_request_head(http::StreamId, http::RequestHead& head) {
  // A reload may have moved the listener since the last request, or since this one's first byte.
  facts_.listener_index = listener_.index;
  facts_.require_sni_match = listener_.require_sni_match;
  // The head is complete: from now on the timer watches the body, and looks again when it fires.
  received_at_check_ = 0;
  if (head.body.has_body()) read_timer_.arm(loop_.timers(), kRateCheck);
  stream_->begin(*listener_.handler, head, loop_.now());
}

void ServerConnection::on_request_body(http::StreamId, std::string_view bytes) {
  if (stream_ == nullptr) return;
  if (stream_->response_done()) {
    discarded_ += bytes.size();
    if (discarded_ > kMaxDiscarded) close_after_flush_ = true;
    return;
  }
  stream_->request_body(bytes);
}

void ServerConnection::on_request_trailers(http::StreamId, http::HeaderList& trailers) {
  if (stream_ != nullptr) stream_->request_trailers(trailers);
}

void ServerConnection::on_request_end(http::StreamId) {
  if (stream_ != nullptr) stream_->request_end();
}

void ServerConnection::on_request_reset(http::StreamId, const Error& error) { close(error); }

void ServerConnection::drop_stream(const Error& error) {
  if (stream_ == nullptr) return;
  ServerStream* stream = stream_;
  stream_ = nullptr;
  stream->abort(error);
  loop_.free_later(stream);
}

void ServerConnection::release_stream() {
  drop_stream(Error(ErrorCode::canceled, Side::internal));
  ++requests_;
  discarded_ = 0;
  if (closed_) return;
  count_dropped_fields();
  codec_->next_request();
  if (!close_after_flush_) arm_idle();
}

// At the end of a turn, when everything gathered has left.
void ServerConnection::on_sent() {
  if (closed_) return;
  watch_stall();
  if (stream_ != nullptr && stream_->complete()) release_stream();
  if (stream_ != nullptr && stream_->tunnel() && !stream_->response_done()) return feed_tunnel();
  const bool answered = stream_ == nullptr || stream_->response_done();
  if (close_after_flush_ && answered) return begin_closing();
  if (stream_ == nullptr && eof_ && held_back_.empty()) return begin_closing();
  if (stream_ == nullptr && !held_back_.empty()) go_on();
}

// What the client has sent already follows at the end of the turn. From here on only who takes no
// bytes is watched: how long a tunnel may be silent is the exchange's to say.
void ServerConnection::start_tunnel() {
  read_timer_.cancel();
  output_.later();
}

void ServerConnection::feed_tunnel() {
  if (!held_back_.empty()) feed_held_back();
  if (eof_ && !closed_ && stream_ != nullptr && !stream_->request_done()) stream_->request_end();
}

void ServerConnection::end_sending() {
  output_.flush();
  transport_->shutdown_write();
  output_.later();
}

// Our side ends first and the peer's bytes are read to nowhere for a while: closing with unread
// bytes would reset the connection and may destroy the answer under way (RFC 9112 §9.6).
void ServerConnection::begin_closing() {
  if (closing_ || closed_) return;
  closing_ = true;
  transport_->shutdown_write();
  if (eof_ && transport_->queued() == 0)
    return close(Error(ErrorCode::client_closed, Side::downstream));
  drop_stream(Error(ErrorCode::canceled, Side::internal));
  discarded_ = 0;
  held_back_.clear();
  if (!transport_->reading()) transport_->read_start();
  if (transport_->queued() == 0) return read_timer_.arm(loop_.timers(), kLinger);
  // The client has time for the answer as long as it takes some of it; then it lingers.
  read_timer_.cancel();
  watch_stall();
}

void ServerConnection::close(const Error& error) {
  if (closed_) return;
  closed_ = true;
  if (transport_) cut_or_close();
  drop_stream(error);
  read_timer_.cancel();
  write_timer_.cancel();
  output_.stop();
  ListHook<ServerConnection>::unlink();
  count_closed();
  loop_.free_later(this);
}

// An answer whose end only our closing shows must not look complete (RFC 9112 §8).
void ServerConnection::cut_or_close() {
  const bool cut = stream_ != nullptr && stream_->response_started() && !stream_->response_done() &&
                   codec_->ends_by_close(stream_->id());
  if (cut)
    transport_->abort();
  else
    transport_->close();
}

void ServerConnection::close_if_idle() {
  if (closed_ || closing_) return;
  if (stream_ == nullptr && held_back_.empty() && requests_ > 0 && codec_ && !codec_->in_head()) {
    output_.flush();
    begin_closing();
  }
}

void ServerConnection::on_transport_eof() {
  if (closed_) return;
  eof_ = true;
  if (closing_) {
    if (transport_->queued() == 0) close(Error(ErrorCode::client_closed, Side::downstream));
    return;
  }
  if (stream_ != nullptr && stream_->tunnel()) return feed_tunnel();
  const bool reading_body = stream_ != nullptr && !stream_->request_done();
  if (reading_body ||
      (stream_ == nullptr && held_back_.empty() && output_.empty() && transport_->queued() == 0))
    return close(Error(ErrorCode::client_closed, Side::downstream));
  // A client may shut down its side and still wait for the answer: it gets it, then we close.
  output_.later();
}

void ServerConnection::on_transport_drained() {
  if (closed_) return;
  write_timer_.cancel();
  if (closing_) {
    if (eof_) return close(Error(ErrorCode::client_closed, Side::downstream));
    return read_timer_.arm(loop_.timers(), kLinger);
  }
  if (stream_ != nullptr) return stream_->writable_again();
  if (!held_back_.empty()) output_.later();
}

void ServerConnection::on_transport_error(const Error& error) {
  if (closed_) return;
  const bool in_handshake =
      error.code == ErrorCode::tls_handshake_failed || error.code == ErrorCode::plaintext_on_tls;
  if (in_handshake && listener_.cells != nullptr) listener_.cells->handshakes_failed.add();
  if (error.code == ErrorCode::plaintext_on_tls) {
    listener_.handler->on_refused(facts_, error);
    http::H1ServerCodec codec(static_cast<http::RequestEvents&>(*this), listener_.request_options);
    write_refusal(codec, error, output_.buffer());
    output_.flush();
    return begin_closing();
  } else if (error.code == ErrorCode::tls_handshake_failed) {
    listener_.handler->on_refused(facts_, error);
  }
  close(error);
}

void ServerConnection::watch_stall() {
  if (transport_->queued() == 0 || write_timer_.armed() || closed_) return;
  written_at_check_ = transport_->bytes_written();
  write_timer_.arm(loop_.timers(), listener_.http.write_stall_timeout);
}

void ServerConnection::on_write_timer() {
  if (transport_->queued() == 0) return;
  if (transport_->bytes_written() == written_at_check_)
    return close(Error(ErrorCode::client_stalled, Side::downstream));
  watch_stall();
}

void ServerConnection::arm_idle() { read_timer_.arm(loop_.timers(), listener_.http.idle_timeout); }

void ServerConnection::on_read_timer() {
  if (closing_) return close(Error(ErrorCode::client_closed, Side::downstream));
  if (stream_ != nullptr && !codec_->in_head()) return judge_body_rate();
  if (stream_ == nullptr && !held_back_.empty() && !overfull()) {
    arm_idle();  // what was held back may begin nothing
    return go_on();
  }
  if (!codec_->in_head() && requests_ > 0) return begin_closing();
  if (codec_->in_head()) return refuse(Error(ErrorCode::request_timeout, Side::downstream));
  close(Error(ErrorCode::request_timeout, Side::downstream));
}

// A body must come at the least rate unless we ourselves asked the client to wait (CVE-2007-6750).
void ServerConnection::judge_body_rate() {
  read_timer_.arm(loop_.timers(), kRateCheck);
  if (stream_->request_done() || stream_->client_waits()) {
    received_at_check_ = stream_->body_bytes();
    return;
  }
  const std::uint64_t passed = stream_->body_bytes() - received_at_check_;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kRateCheck).count();
  const std::uint64_t least =
      listener_.http.min_body_rate.bytes * static_cast<std::uint64_t>(seconds);
  received_at_check_ = stream_->body_bytes();
  if (passed < least) refuse(Error(ErrorCode::request_timeout, Side::downstream, "body too slow"));
}

}  // namespace gateway::downstream
