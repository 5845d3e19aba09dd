#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/http/codec.h"
#include "gateway/http/h1_head.h"

namespace gateway::http {

/// Reads a chunked body (RFC 9112 §7.1): llhttp judges size lines, extensions and line ends,
/// HeadReader the trailers. Private to the HTTP/1 codecs.
class ChunkReader {
 public:
  ChunkReader();
  ~ChunkReader();
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  /// Before each body. Trailers will live in `arena`.
  void begin(Arena& arena, const CodecLimits& limits);

  /// One step: either some body bytes, to be handed on before the next step, or framing.
  struct Step {
    std::size_t used = 0;
    std::string_view body;
    bool complete = false;  ///< the trailers have been read too
    Refusal refusal;
  };
  Step step(std::string_view bytes);

  /// After `complete`: the trailers, without those that may not come there (RFC 9110 §6.5.1).
  Refusal read_trailers(const FieldOptions& options, HeaderList& trailers);
  /// After `complete`.
  bool has_trailers() const { return trailers_->lines() > 0; }

 private:
  struct Parser;
  Step frame(std::string_view bytes);
  Step data(std::string_view bytes);
  Step trailer(std::string_view bytes);

  std::unique_ptr<Parser> parser_;
  Arena* arena_ = nullptr;
  CodecLimits limits_;
  HeadReader* trailers_ = nullptr;  ///< in the arena, from the last chunk on
  std::size_t framing_bytes_ = 0;   ///< since the last body byte
};

}  // namespace gateway::http
