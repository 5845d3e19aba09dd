#pragma once

#include <cstdint>
#include <memory>

#include "gateway/http/codec.h"
#include "gateway/http/date.h"
#include "gateway/http/h1_chunks.h"
#include "gateway/http/h1_head.h"

namespace gateway::http {

class HeadWriter;

/// HTTP/1.0 and 1.1 as a server speaks it (RFC 9112). Heads are read by our own line reader,
/// chunked bodies by llhttp (docs/decisions). Strict: what two servers could read in two ways is
/// refused.
class H1ServerCodec final : public ServerCodec {
 public:
  /// Seconds since 1970 in UTC, for Date. Asked only when a response has none.
  using WallSeconds = std::int64_t (*)();

  H1ServerCodec(RequestEvents& events, const RequestOptions& options);
  H1ServerCodec(RequestEvents& events, const RequestOptions& options, WallSeconds wall_seconds);

  Result<std::size_t> decode(std::string_view bytes) override;
  void next_request() override;
  bool in_head() const override { return phase_ == Phase::head && reader_ != nullptr; }
  std::uint64_t dropped_underscores() const override { return dropped_underscores_; }

  void encode_informational(StreamId stream, int status, const HeaderList& headers,
                            Buffer& out) override;
  Result<void> encode_head(StreamId stream, const ResponseHead& head, bool close,
                           Buffer& out) override;
  void encode_body_prefix(StreamId stream, std::size_t size, Buffer& out) override;
  void encode_body_suffix(StreamId stream, std::size_t size, Buffer& out) override;
  void encode_end(StreamId stream, const HeaderList* trailers, Buffer& out) override;
  bool ends_by_close(StreamId /*stream*/) const override { return ends_by_close_; }
  Result<void> encode_switch(StreamId stream, const ResponseHead& head, std::string_view protocol,
                             Buffer& out) override;

 private:
  enum class Phase : std::uint8_t { head, length_body, chunked_body, waiting, tunnel, failed };

  std::size_t skip_empty_line(std::string_view bytes);
  Refusal decode_head(std::string_view bytes, std::size_t& used);
  Refusal read_head(std::string_view bytes, std::size_t& used);
  Refusal finish_head(RequestHead& head);
  Refusal refuse_head(const RequestHead& head, const Refusal& refusal);
  std::size_t decode_length_body(std::string_view bytes);
  Refusal decode_chunk(std::string_view bytes, std::size_t& used);
  void end_request();
  void put_framing(HeadWriter& writer, const ResponseHead& head);
  void put_length_without_body(HeadWriter& writer, const ResponseHead& head);

  RequestEvents& events_;
  RequestOptions options_;
  WallSeconds wall_seconds_;
  HeadReader* reader_ = nullptr;  ///< in the arena: of a head that is not plain, or not all here
  std::unique_ptr<ChunkReader> chunks_;  ///< made by the first chunked body
  Arena* arena_ = nullptr;
  std::uint64_t body_left_ = 0;  ///< of a chunked body: how much more may come
  std::uint64_t dropped_underscores_ = 0;
  Phase phase_ = Phase::head;
  std::uint8_t empty_line_bytes_ =
      0;  ///< of the one empty line before a request, how much was skipped

  // What the response's form depends on.
  Version version_ = Version::http11;
  bool keep_alive_ = true;
  bool is_head_request_ = false;
  bool chunked_ = false;
  bool ends_by_close_ = false;
};

}  // namespace gateway::http
