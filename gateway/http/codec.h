#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gateway/base/arena.h"
#include "gateway/base/buffer.h"
#include "gateway/base/result.h"
#include "gateway/http/message.h"

/// The seam between connections and versions of HTTP. A codec turns bytes into events and messages
/// into bytes; it does no I/O, knows no time, and its caller owns the socket. One codec serves one
/// connection; HTTP/1 has one stream at a time (kOnlyStream), HTTP/2 many.
namespace gateway::http {

using StreamId = std::uint32_t;
inline constexpr StreamId kOnlyStream = 1;

struct CodecLimits {
  std::size_t max_fields = 100;
  std::size_t max_head_bytes = 64 * 1024;   ///< whole head, request line included → 431
  std::size_t max_target_bytes = 8 * 1024;  ///< → 414
  std::size_t max_chunk_extension_bytes = 16 * 1024;
};

/// What names with an underscore mean: many servers map '_' and '-' to one name, so they can forge.
enum class Underscores : std::uint8_t { drop, refuse, allow };

struct RequestOptions {
  CodecLimits limits;
  Underscores underscores = Underscores::drop;
  bool merge_slashes = true;
  std::uint64_t max_body_bytes = 0;  ///< → 413; 0: unlimited
};

/// How a request reads its stream: implemented by the server connection.
class RequestEvents {
 public:
  /// A stream begins. Returns the arena in which the codec keeps what the head points to.
  virtual Arena& on_stream_begin(StreamId stream) = 0;
  /// The head is complete; it and all its views live in the stream's arena.
  virtual void on_request_head(StreamId stream, RequestHead& head) = 0;
  /// Views live until the return.
  virtual void on_request_body(StreamId stream, std::string_view bytes) = 0;
  /// Only when there are trailers, after the last body bytes; framing, Host, Authorization and
  /// other forbidden fields (RFC 9110 §6.5.1) are already gone.
  virtual void on_request_trailers(StreamId stream, HeaderList& trailers) = 0;
  virtual void on_request_end(StreamId stream) = 0;
  /// HTTP/2: the client gave the stream up.
  virtual void on_request_reset(StreamId stream, const Error& error) = 0;

 protected:
  ~RequestEvents() = default;
};

/// Server side: reads requests, writes responses.
class ServerCodec {
 public:
  virtual ~ServerCodec() = default;

  /// Reads from `bytes`; returns how many were used. Fewer than given means that the codec waits
  /// (HTTP/1 after the end of a request until `next_request()`); the caller keeps the rest. A
  /// partial head is kept by the codec, in the stream's arena. An error ends the connection: answer
  /// it if nothing was answered yet, then close.
  virtual Result<std::size_t> decode(std::string_view bytes) = 0;
  /// HTTP/1: the exchange is over, a further request may be read. Resets the decoder's state.
  virtual void next_request() = 0;
  /// True while a request's head has begun but not ended (header timeout, idle close).
  virtual bool in_head() const = 0;
  /// Names dropped for an underscore so far, for the counter.
  virtual std::uint64_t dropped_underscores() const = 0;

  /// 1xx other than 101 (RFC 9110 §15.2). HTTP/1.0 clients get none: the caller checks.
  virtual void encode_informational(StreamId stream, int status, const HeaderList& headers,
                                    Buffer& out) = 0;
  /// Writes the head with the framing that fits client and body, Connection and Date included;
  /// drops hop-by-hop and framing fields of `head.headers`. `close`: say `Connection: close`. Fails
  /// when a name or value holds a byte that would split the response. Nothing is written then.
  virtual Result<void> encode_head(StreamId stream, const ResponseHead& head, bool close,
                                   Buffer& out) = 0;
  /// What goes on the wire around `size` body bytes: for chunked framing the chunk's line before
  /// and the line end after them, else nothing. Lets big bodies pass without a copy.
  virtual void encode_body_prefix(StreamId stream, std::size_t size, Buffer& out) = 0;
  virtual void encode_body_suffix(StreamId stream, std::size_t size, Buffer& out) = 0;
  /// Ends the body; trailers go out only with chunked framing.
  virtual void encode_end(StreamId stream, const HeaderList* trailers, Buffer& out) = 0;
  /// True when the response's end can only be shown by closing (HTTP/1.0 without a length).
  virtual bool ends_by_close(StreamId stream) const = 0;
  /// Writes a 101 that takes up `protocol` (RFC 9110 §7.8), after the request's end. From then on
  /// all bytes are body, both ways, as they are. Fails as `encode_head` does, and where a
  /// connection cannot change over: only HTTP/1.1 can (RFC 9113 §8.6).
  virtual Result<void> encode_switch(StreamId /*stream*/, const ResponseHead& /*head*/,
                                     std::string_view /*protocol*/, Buffer& /*out*/) {
    return failure(ErrorCode::internal, Side::internal, "this connection has but one protocol");
  }
};

/// Client side events: implemented by the client connection.
class ResponseEvents {
 public:
  /// 1xx; 101 comes as `on_response_head`. Views live until the return.
  virtual void on_informational(StreamId stream, ResponseHead& head) = 0;
  /// Views live until the return, in `arena()` of the stream or the receive buffer.
  virtual void on_response_head(StreamId stream, ResponseHead& head) = 0;
  virtual void on_response_body(StreamId stream, std::string_view bytes) = 0;
  virtual void on_response_trailers(StreamId stream, HeaderList& trailers) = 0;
  virtual void on_response_end(StreamId stream) = 0;
  /// Where the codec keeps the head of the response it is reading.
  virtual Arena& response_arena(StreamId stream) = 0;

 protected:
  ~ResponseEvents() = default;
};

/// What the request serializer puts besides the head's own fields.
struct RequestEncoding {
  bool keep_alive = true;
  bool expect_continue = false;  ///< forward Expect: 100-continue
  /// Ask to change over to this protocol (RFC 9110 §7.8); empty: none. For a request without body.
  std::string_view upgrade = {};
};

/// Client side: writes requests, reads responses.
class ClientCodec {
 public:
  virtual ~ClientCodec() = default;

  /// Begins a request; the response's reading depends on its method. Hop-by-hop and framing fields
  /// are dropped and written anew: a bodyless POST, PUT or PATCH carries Content-Length: 0; the
  /// target is path and query of `head`; Host is `head.host`. Fails as ServerCodec::encode_head
  /// does.
  virtual Result<void> encode_head(StreamId stream, const RequestHead& head,
                                   const RequestEncoding& encoding, Buffer& out) = 0;
  virtual void encode_body_prefix(StreamId stream, std::size_t size, Buffer& out) = 0;
  virtual void encode_body_suffix(StreamId stream, std::size_t size, Buffer& out) = 0;
  virtual void encode_end(StreamId stream, const HeaderList* trailers, Buffer& out) = 0;

  /// As ServerCodec::decode. Bytes after the end of a response, or without a request, are an error:
  /// the connection must not be reused (CVE-2025-4366).
  virtual Result<std::size_t> decode(std::string_view bytes) = 0;
  /// The peer closed. Ends a body that is delimited by closing; an error if a message was cut
  /// short.
  virtual Result<void> decode_eof() = 0;
  /// The response is complete and the connection may carry another request.
  virtual bool reusable() const = 0;
};

}  // namespace gateway::http
