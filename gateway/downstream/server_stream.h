#pragma once

#include <cstdint>
#include <memory>

#include "gateway/base/pooled.h"
#include "gateway/downstream/server_connection.h"

namespace gateway::downstream {

/// The one implementation of Stream. Owns the arena, the request's head and the exchange; owned by
/// its connection. After `detach` (connection gone or exchange over) it ignores what is sent.
class ServerStream final : public Stream, public Disposable, public Pooled<ServerStream> {
 public:
  using Pooled<ServerStream>::operator new;
  using Pooled<ServerStream>::operator delete;

  ServerStream(ServerConnection& connection, http::StreamId id)
      : connection_(&connection), loop_(connection.loop_), facts_(connection.facts_), id_(id) {}

  // Stream
  http::RequestHead& request() override { return *head_; }
  Arena& arena() override { return arena_; }
  const ConnectionFacts& connection() const override { return facts_; }
  EventLoop& loop() override { return loop_; }
  Instant started() const override { return started_; }
  void send_informational(int status, const http::HeaderList& headers) override;
  void send_continue() override;
  Result<void> send_head(const http::ResponseHead& head) override;
  void send_body(std::string_view bytes) override;
  void send_end(const http::HeaderList* trailers) override;
  void reset(const Error& error) override;
  bool writable() const override;
  void pause_body() override;
  void resume_body() override;
  void close_after() override { close_after_ = true; }
  Result<void> start_tunnel(const http::ResponseHead& head, std::string_view protocol) override;
  void end_sending() override;

  // Towards the connection.
  void begin(Handler& handler, http::RequestHead& head, Instant now);
  void request_body(std::string_view bytes);
  void request_trailers(http::HeaderList& trailers);
  void request_end();
  /// True when the failure was handed to an exchange that can still answer.
  bool request_failed(const Error& error);
  void writable_again();
  /// The exchange hears on_abort unless it is over; nothing reaches the connection afterwards.
  void abort(const Error& error);

  http::StreamId id() const { return id_; }
  bool request_done() const { return request_done_; }
  bool response_started() const { return response_started_; }
  bool response_done() const { return response_done_; }
  bool complete() const { return request_done_ && response_done_; }
  bool body_paused() const { return body_paused_; }
  bool tunnel() const { return tunnel_; }
  /// The client rightly sends nothing: it is held back, or waits for our 100.
  bool client_waits() const {
    return !response_done_ &&
           (body_paused_ || (head_->expect_continue && !continue_sent_ && body_bytes_ == 0));
  }
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  bool exchange_alive() const { return exchange_ != nullptr && !over_; }
  bool answer_ends_connection() const;
  bool bodyless() const;
  void over();

  ServerConnection* connection_;
  EventLoop& loop_;
  const ConnectionFacts& facts_;  ///< the connection is freed after its streams
  Arena arena_;
  http::RequestHead* head_ = nullptr;  ///< kept by the codec in the arena or by us
  std::unique_ptr<Exchange> exchange_;
  Instant started_{};
  std::uint64_t body_bytes_ = 0;
  http::StreamId id_;
  int status_ = 0;
  bool request_done_ = false;
  bool response_started_ = false;
  bool response_done_ = false;
  bool continue_sent_ = false;
  bool close_after_ = false;
  bool body_paused_ = false;
  bool tunnel_ = false;
  bool over_ = false;  ///< the exchange has ended and hears nothing more
};

}  // namespace gateway::downstream
