#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/arena.h"
#include "gateway/base/result.h"
#include "gateway/http/message.h"
#include "gateway/net/transport.h"
#include "gateway/runtime/event_loop.h"

/// The seam between server connections and whoever answers: the proxy, the admin pages, the metrics
/// API and the sample services are all Handlers. Everything here happens on the connection's loop.
namespace gateway::downstream {

/// Facts about the connection a request came by; lives as long as the connection.
struct ConnectionFacts {
  SocketAddress peer;  ///< who is connected to us, or whom the PROXY protocol named
  SocketAddress local;
  bool peer_from_proxy_protocol = false;
  const net::TlsFacts* tls = nullptr;  ///< never null; is_tls tells
  std::string_view listener;           ///< its name
  std::uint32_t listener_index = 0;
  /// Client certificates are checked: Host must be the SNI's (421).
  bool require_sni_match = false;

  /// The peer's address without its port, written when the first request asks for it.
  std::string_view peer_text() const {
    if (peer_text_.empty()) peer_text_ = peer.ip().to_string();
    return peer_text_;
  }

 private:
  mutable std::string peer_text_;
};

/// A request's end of the connection: what an exchange answers through. Output is gathered and
/// leaves at the end of the turn; big body pieces at once.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Valid until the exchange is destroyed; the handler may change it.
  virtual http::RequestHead& request() = 0;
  virtual Arena& arena() = 0;
  virtual const ConnectionFacts& connection() const = 0;
  virtual EventLoop& loop() = 0;
  /// When the request's head was complete.
  virtual Instant started() const = 0;

  /// 103 and the like; nothing happens for HTTP/1.0 clients.
  virtual void send_informational(int status, const http::HeaderList& headers) = 0;
  /// Answers Expect: 100-continue, once, if the client waits for it. Call when the body is wanted.
  virtual void send_continue() = 0;
  /// Starts the answer. Fails only when a header cannot be written (nothing was sent then).
  virtual Result<void> send_head(const http::ResponseHead& head) = 0;
  virtual void send_body(std::string_view bytes) = 0;
  /// Ends the answer. The exchange is destroyed at the end of the turn and hears nothing more.
  virtual void send_end(const http::HeaderList* trailers = nullptr) = 0;
  /// Gives up: a client that saw a head sees a truncated answer, never a complete-looking one. Ends
  /// the exchange as send_end does.
  virtual void reset(const Error& error) = 0;

  /// False: more than the high-water mark is queued towards the client; on_writable will follow.
  virtual bool writable() const = 0;
  /// Back-pressure on the request's body.
  virtual void pause_body() = 0;
  virtual void resume_body() = 0;
  /// After this answer the connection is closed (`Connection: close` goes out).
  virtual void close_after() = 0;

  /// Instead of send_head, for a request that has ended: answers 101 and makes a tunnel of the
  /// connection. on_request_body brings what the client sends from then on, and what it had sent
  /// too early first; on_request_end says that it will send no more. send_body sends bytes as they
  /// are. send_end closes both ways. Fails as send_head does, and where there is no tunnel to be
  /// had.
  virtual Result<void> start_tunnel(const http::ResponseHead& /*head*/,
                                    std::string_view /*protocol*/) {
    return failure(ErrorCode::internal, Side::internal, "no tunnel on this connection");
  }
  /// Of a tunnel: nothing more will be sent to the client, which may still send.
  virtual void end_sending() {}
};

/// One request and its response. Owned by the stream. Ends by its own send_end() or reset(), or by
/// on_abort(); it is destroyed at the end of that turn, so a caller further up may still be inside
/// it.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// Views live until the return.
  virtual void on_request_body(std::string_view bytes) = 0;
  virtual void on_request_trailers(http::HeaderList& trailers) = 0;
  virtual void on_request_end() = 0;
  /// The request cannot be read further (malformed chunk, too slow): answer or reset. Not called
  /// after on_request_end.
  virtual void on_request_failed(const Error& error) = 0;
  virtual void on_writable() = 0;
  /// The client is gone, the last call; the stream takes nothing more.
  virtual void on_abort(const Error& error) = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  /// The head is complete. The handler may answer at once, inside the call, and must return an
  /// exchange in any case; body events follow if head.body.has_body(), then on_request_end in every
  /// case.
  virtual std::unique_ptr<Exchange> begin(Stream& stream) = 0;
  /// A request was refused before it was one; the connection has answered `error` (for counters and
  /// the log). `method` and `target` as far as they were understood.
  virtual void on_refused(const ConnectionFacts& connection, const Error& error) = 0;
};

}  // namespace gateway::downstream
