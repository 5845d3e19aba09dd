#include "gateway/upstream/client_connection.h"

#include "gateway/upstream/endpoint_pool.h"

namespace gateway::upstream {
namespace {

// An endpoint has so long to take the last bytes of a tunnel.
constexpr Duration kLinger = std::chrono::seconds(30);

}  // namespace

ClientConnection::ClientConnection(EventLoop& loop, EndpointPool& pool, Place place)
    : loop_(loop),
      pool_(pool),
      place_(std::move(place)),
      output_(loop, Callback<>::bind<&ClientConnection::on_sent>(this)),
      codec_(*this, http::CodecLimits{}),
      idle_timer_(Callback<>::bind<&ClientConnection::on_idle_timer>(this)) {
  pool_.endpoint().connection_opened();
}

ClientConnection::~ClientConnection() { GATEWAY_CHECK(closed_ && stream_ == nullptr); }

void ClientConnection::connect(Duration timeout, net::ClientTlsContext* tls,
                               std::string_view server_name) {
  transport_ =
      net::connect_transport(loop_, pool_.endpoint().address(), timeout, tls, server_name, *this);
  output_.attach(*transport_);
}

http::StreamId ClientConnection::open_stream(ClientStreamEvents& events) {
  GATEWAY_CHECK(idle());
  stream_ = &events;
  ++requests_;
  written_before_ = transport_->bytes_written();
  return http::kOnlyStream;
}

Result<void> ClientConnection::send_head(http::StreamId stream, const http::RequestHead& head,
                                         const http::RequestEncoding& encoding) {
  auto encoded = codec_.encode_head(stream, head, encoding, output_.buffer());
  if (encoded) output_.later();
  return encoded;
}

void ClientConnection::send_body(http::StreamId stream, std::string_view bytes) {
  if (closed_ || bytes.empty()) return;
  codec_.encode_body_prefix(stream, bytes.size(), output_.buffer());
  output_.append(bytes);
  codec_.encode_body_suffix(stream, bytes.size(), output_.buffer());
}

void ClientConnection::send_end(http::StreamId stream, const http::HeaderList* trailers) {
  if (closed_) return;
  codec_.encode_end(stream, trailers, output_.buffer());
  output_.later();
  if (!tunnel_) return;
  sent_end_ = true;
  output_.flush();
  transport_->shutdown_write();
}

void ClientConnection::abandon(http::StreamId) {
  stream_ = nullptr;
  if (sent_end_ && received_end_) return close_when_sent();
  close();
}

// Closing with bytes in the queue would lose them.
void ClientConnection::close_when_sent() {
  if (transport_->queued() == 0) return close();
  idle_timer_.arm(loop_.timers(), kLinger);
}

void ClientConnection::start_idle(Duration timeout) {
  if (timeout > Duration::zero()) idle_timer_.arm(loop_.timers(), timeout);
}

void ClientConnection::on_idle_timer() {
  if (idle()) close();
}

void ClientConnection::close() {
  if (closed_) return;
  closed_ = true;
  GATEWAY_CHECK(stream_ == nullptr);
  if (transport_) transport_->close();
  output_.stop();
  idle_timer_.cancel();
  place_.release();
  pool_.endpoint().connection_closed();
  ListHook<ClientConnection>::unlink();
  loop_.free_later(this);
  pool_.on_connection_closed(*this);
}

void ClientConnection::on_transport_open() {
  open_ = true;
  pool_.on_connection_open(*this);
}

void ClientConnection::on_transport_read(std::string_view bytes) {
  while (!bytes.empty() && !closed_) {
    auto used = codec_.decode(bytes);
    if (!used) return fail(used.error());
    if (closed_) return;
    bytes.remove_prefix(*used);
    if (*used == 0)
      return fail(Error(ErrorCode::upstream_protocol, Side::upstream, "unexpected bytes"));
  }
}

void ClientConnection::on_transport_eof() {
  if (closed_) return;
  if (stream_ != nullptr) {
    auto ended = codec_.decode_eof();
    if (!ended) return fail(ended.error());
  }
  if (!closed_ && !received_end_)
    fail(Error(ErrorCode::upstream_reset, Side::upstream, "connection closed"));
}

void ClientConnection::on_transport_drained() {
  if (stream_ != nullptr) return stream_->on_stream_writable();
  if (received_end_) close();
}

void ClientConnection::on_transport_error(const Error& error) {
  if (closed_) return;
  if (!open_) {
    EndpointPool& pool = pool_;
    close();
    return pool.on_connect_failed(error);
  }
  fail(error);
}

void ClientConnection::fail(const Error& error) {
  if (closed_) return;
  ClientStreamEvents* stream = stream_;
  stream_ = nullptr;
  close();
  if (stream != nullptr) stream->on_stream_failed(error);
}

void ClientConnection::on_informational(http::StreamId, http::ResponseHead& head) {
  if (stream_ != nullptr) stream_->on_informational(head);
  // Nothing of it is needed any more, and an endless row of them must not add up.
  arena_.reset();
}

void ClientConnection::on_response_head(http::StreamId, http::ResponseHead& head) {
  if (stream_ != nullptr) stream_->on_response_head(head);
}

void ClientConnection::on_response_body(http::StreamId, std::string_view bytes) {
  if (stream_ != nullptr) stream_->on_response_body(bytes);
}

void ClientConnection::on_response_trailers(http::StreamId, http::HeaderList& trailers) {
  if (stream_ != nullptr) stream_->on_response_trailers(trailers);
}

void ClientConnection::on_response_end(http::StreamId) {
  ClientStreamEvents* stream = stream_;
  received_end_ = tunnel_;
  if (tunnel_ && !sent_end_) return stream->on_response_end();
  stream_ = nullptr;
  // The slot goes back first: the user may start its next call from within its upcall.
  if (tunnel_) {
    close_when_sent();
  } else if (!codec_.reusable()) {
    close();
  } else if (!closed_) {
    if (!transport_->reading()) transport_->read_start();
    arena_.reset();
    pool_.on_connection_idle(*this);
  }
  if (stream != nullptr) stream->on_response_end();
}

Arena& ClientConnection::response_arena(http::StreamId) { return arena_; }

}  // namespace gateway::upstream
