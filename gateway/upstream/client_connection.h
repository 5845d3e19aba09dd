#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/http/h1_client_codec.h"
#include "gateway/net/output.h"
#include "gateway/net/transport.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/timer.h"
#include "gateway/upstream/endpoint.h"
#include "gateway/upstream/limits.h"

namespace gateway::upstream {

class EndpointPool;

/// One stream slot's user: an attempt of a call. After on_response_end or on_stream_failed the slot
/// is gone and must not be used. Of a tunnel, on_response_end says that the endpoint will send no
/// more; the slot goes when both sides have said so.
class ClientStreamEvents {
 public:
  virtual void on_informational(http::ResponseHead& head) = 0;
  virtual void on_response_head(http::ResponseHead& head) = 0;
  virtual void on_response_body(std::string_view bytes) = 0;
  virtual void on_response_trailers(http::HeaderList& trailers) = 0;
  virtual void on_response_end() = 0;
  virtual void on_stream_writable() = 0;
  virtual void on_stream_failed(const Error& error) = 0;

 protected:
  ~ClientStreamEvents() = default;
};

/// A connection that we opened to an endpoint. Gives out stream slots: one at a time in HTTP/1.1.
/// Belongs to its pool's lists; owns itself from connect() to the end of the turn of close().
class ClientConnection final : public Disposable,
                               public ListHook<ClientConnection>,
                               private net::TransportOwner,
                               private http::ResponseEvents {
 public:
  ClientConnection(EventLoop& loop, EndpointPool& pool, Place place);
  ~ClientConnection() override;
  void connect(Duration timeout, net::ClientTlsContext* tls, std::string_view server_name);
  /// Behind connect().
  void notice_loss(Duration within) { transport_->notice_loss(within); }

  /// The connection must be idle.
  http::StreamId open_stream(ClientStreamEvents& events);
  /// Fails when a header cannot be written; nothing was sent then.
  Result<void> send_head(http::StreamId stream, const http::RequestHead& head,
                         const http::RequestEncoding& encoding);
  void send_body(http::StreamId stream, std::string_view bytes);
  void send_end(http::StreamId stream, const http::HeaderList* trailers);
  /// After a 101 that was asked for: send_body sends bytes as they are, and send_end, which comes a
  /// second time then, ends our direction alone.
  void start_tunnel(http::StreamId /*stream*/) { tunnel_ = true; }
  bool writable() const { return transport_->queued() < kHighWater; }
  bool all_sent() const { return transport_->queued() == 0; }
  void pause_reading() { transport_->read_stop(); }
  void resume_reading() { transport_->read_start(); }
  /// The user gives its slot up before the response's end: an unfinished HTTP/1 exchange cannot be
  /// called off, so the connection closes (CVE-2025-4366).
  void abandon(http::StreamId stream);

  /// Closes when unused for so long.
  void start_idle(Duration timeout);
  void close();
  bool idle() const { return open_ && stream_ == nullptr && !closed_; }
  bool open() const { return open_; }
  bool closed() const { return closed_; }
  /// It has carried a request before: a failure may only mean that the server had closed it.
  bool reused() const { return requests_ > 1; }
  /// Bytes given to the system since the current stream was opened.
  bool sent_nothing() const { return transport_->bytes_written() == written_before_; }

 private:
  static constexpr std::size_t kHighWater = 256 * 1024;

  void on_transport_open() override;
  void on_transport_read(std::string_view bytes) override;
  void on_transport_eof() override;
  void on_transport_drained() override;
  void on_transport_error(const Error& error) override;

  void on_informational(http::StreamId stream, http::ResponseHead& head) override;
  void on_response_head(http::StreamId stream, http::ResponseHead& head) override;
  void on_response_body(http::StreamId stream, std::string_view bytes) override;
  void on_response_trailers(http::StreamId stream, http::HeaderList& trailers) override;
  void on_response_end(http::StreamId stream) override;
  Arena& response_arena(http::StreamId stream) override;

  void on_sent() {}
  void on_idle_timer();
  void fail(const Error& error);
  void close_when_sent();

  EventLoop& loop_;
  EndpointPool& pool_;
  Place place_;
  std::unique_ptr<net::Transport> transport_;
  net::Output output_;
  http::H1ClientCodec codec_;
  Arena arena_;  ///< of the response being read
  ClientStreamEvents* stream_ = nullptr;
  Timer idle_timer_;
  std::uint64_t written_before_ = 0;
  std::uint64_t requests_ = 0;
  bool open_ = false;
  bool closed_ = false;
  bool tunnel_ = false;
  bool sent_end_ = false;      ///< of a tunnel, by us
  bool received_end_ = false;  ///< of a tunnel, by the endpoint

  friend class EndpointPool;
  bool in_idle_list_ = false;  ///< kept by the pool
};

}  // namespace gateway::upstream
