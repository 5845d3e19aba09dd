#pragma once

#include <cstdint>
#include <memory>

#include "gateway/base/buffer.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/downstream/handler.h"
#include "gateway/downstream/listener_state.h"
#include "gateway/http/codec.h"
#include "gateway/net/output.h"
#include "gateway/net/transport.h"
#include "gateway/runtime/event_loop.h"
#include "gateway/runtime/timer.h"

namespace gateway::downstream {

class ServerStream;

/// One accepted connection: feeds bytes to the codec, gives each request's stream to the Handler,
/// and sends what the streams write, gathered at the end of the turn. Owns its transport and its
/// streams. Lives until close(), then until the end of that turn. Keeps no buffer and no stream
/// while idle.
class ServerConnection final : public Disposable,
                               public ListHook<ServerConnection>,
                               private net::TransportOwner,
                               private http::RequestEvents {
 public:
  /// Takes over an accepted descriptor; the connection owns itself from here on. `tls` null: plain.
  static ServerConnection& accept(EventLoop& loop, ListenerState& listener, int fd,
                                  const SocketAddress& peer, const SocketAddress& local,
                                  bool peer_from_proxy_protocol, net::ServerTlsContext* tls,
                                  std::string_view early = {});
  ~ServerConnection() override;

  /// Now; an exchange under way hears on_abort(error). Idempotent.
  void close(const Error& error);
  /// Draining: closes if no request is being read or answered.
  void close_if_idle();

 private:
  friend class ServerStream;
  /// What may wait to be sent before an exchange pauses, and before a further request is read.
  static constexpr std::size_t kHighWater = 256 * 1024;

  ServerConnection(EventLoop& loop, ListenerState& listener);

  void on_transport_open() override;
  void on_transport_read(std::string_view bytes) override;
  void on_transport_eof() override;
  void on_transport_drained() override;
  void on_transport_error(const Error& error) override;

  Arena& on_stream_begin(http::StreamId id) override;
  void on_request_head(http::StreamId id, http::RequestHead& head) override;
  void on_request_body(http::StreamId id, std::string_view bytes) override;
  void on_request_trailers(http::StreamId id, http::HeaderList& trailers) override;
  void on_request_end(http::StreamId id) override;
  void on_request_reset(http::StreamId id, const Error& error) override;

  void feed(std::string_view bytes);
  void hold_back(std::string_view bytes);
  void feed_held_back();
  void go_on();
  void read_on();
  bool overfull() const;
  bool may_begin() const;
  void refuse(const Error& error);
  void release_stream();
  void drop_stream(const Error& error);

  void start_tunnel();
  void feed_tunnel();
  void end_sending();

  void count_open();
  void count_closed();
  void count_dropped_fields();
  void on_sent();
  void count_handshake();
  void begin_closing();
  void cut_or_close();
  void watch_stall();

  void on_read_timer();
  void on_write_timer();
  void arm_idle();
  void judge_body_rate();

  EventLoop& loop_;
  ListenerState& listener_;
  ConnectionFacts facts_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<http::ServerCodec> codec_;
  ServerStream* stream_ = nullptr;  ///< HTTP/1: at most one; owned, freed at the end of the turn
  net::Output output_;
  Buffer held_back_;  ///< pipelined bytes that wait for the exchange before them
  Timer read_timer_;
  Timer write_timer_;
  std::uint64_t received_at_check_ = 0;  ///< body bytes when their rate was last judged
  std::uint64_t written_at_check_ = 0;   ///< bytes written when a stall was last looked for
  std::uint64_t discarded_ =
      0;  ///< bytes read to no purpose, while closing or after an early answer
  std::uint64_t begun_turn_ = 0;  ///< the loop's turn in which a request was last begun
  std::uint32_t begun_ = 0;       ///< how many were begun in it
  std::uint32_t requests_ = 0;
  std::uint64_t dropped_fields_ = 0;  ///< as far as they were counted
  bool close_after_flush_ = false;    ///< no further request is read
  bool closing_ = false;              ///< our side is shut down; waiting for the peer's end
  bool eof_ = false;
  bool closed_ = false;
};

}  // namespace gateway::downstream
