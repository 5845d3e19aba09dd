#pragma once

#include <cstdint>

#include "gateway/http/codec.h"
#include "gateway/http/h1_chunks.h"
#include "gateway/http/h1_head.h"

namespace gateway::http {

/// HTTP/1.1 as a client speaks it: one request, then its response. Responses are read as strictly
/// as requests: a server that frames ambiguously could poison the connection (RFC 9112 §11).
class H1ClientCodec final : public ClientCodec {
 public:
  H1ClientCodec(ResponseEvents& events, const CodecLimits& limits);

  Result<void> encode_head(StreamId stream, const RequestHead& head,
                           const RequestEncoding& encoding, Buffer& out) override;
  void encode_body_prefix(StreamId stream, std::size_t size, Buffer& out) override;
  void encode_body_suffix(StreamId stream, std::size_t size, Buffer& out) override;
  void encode_end(StreamId stream, const HeaderList* trailers, Buffer& out) override;

  Result<std::size_t> decode(std::string_view bytes) override;
  Result<void> decode_eof() override;
  bool reusable() const override { return phase_ == Phase::idle && request_ended_ && keep_alive_; }

 private:
  enum class Phase : std::uint8_t { idle, head, length_body, chunked_body, until_close, failed };

  /// One event's worth of reading.
  struct Step {
    std::size_t used = 0;
    bool ended = false;  ///< the response is complete
    Refusal refusal;
  };
  void read_step(std::string_view bytes, Step& step);
  void read_head(std::string_view bytes, Step& step);
  void read_chunk(std::string_view bytes, Step& step);
  Refusal split_head(Arena& arena, ResponseHead& head);
  Refusal settle_head(ResponseHead& head) const;
  void begin_body(const ResponseHead& head);
  void end_response(std::size_t left_behind);

  ResponseEvents& events_;
  CodecLimits limits_;
  HeadReader* reader_ = nullptr;  ///< in the arena: of a head that is not plain, or not all here
  ChunkReader chunks_;
  std::uint64_t body_left_ = 0;
  Phase phase_ = Phase::idle;
  std::uint8_t informational_ = 0;  ///< 1xx before the response so far
  bool is_head_request_ = false;
  bool chunked_request_ = false;
  bool request_ended_ = true;
  bool keep_alive_ = true;
};

}  // namespace gateway::http
