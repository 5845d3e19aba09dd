#include "gateway/http/h1_chunks.h"

#include <llhttp.h>

#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"
#include "gateway/http/fields.h"

namespace gateway::http {
namespace {

// A size line without extensions: CR LF of the chunk before, 16 digits, CR LF.
constexpr std::size_t kPlainSizeLine = 20;

}  // namespace

struct ChunkReader::Parser {
  llhttp_t llhttp;
  std::uint64_t left = 0;   ///< data bytes of the open chunk
  bool last_chunk = false;  ///< the size line just read says zero

  Parser() { llhttp = primed(); }

  void begin() {
    llhttp = primed();
    llhttp.data = this;
    left = 0;
    last_chunk = false;
  }

  // llhttp begins with a head: one parser reads a fixed one, and every body begins as its copy.
  static const llhttp_t& primed() {
    static const llhttp_t parser = [] {
      constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
      llhttp_t fresh;
      llhttp_init(&fresh, HTTP_REQUEST, settings());
      GATEWAY_CHECK(llhttp_execute(&fresh, kHead.data(), kHead.size()) == HPE_OK);
      return fresh;
    }();
    return parser;
  }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t callbacks;
      llhttp_settings_init(&callbacks);
      callbacks.on_chunk_header = [](llhttp_t* llhttp) {
        auto* self = static_cast<Parser*>(llhttp->data);
        self->left = llhttp->content_length;
        self->last_chunk = self->left == 0;
        return 0;
      };
      return callbacks;
    }();
    return &table;
  }
};

ChunkReader::ChunkReader() = default;
ChunkReader::~ChunkReader() = default;

void ChunkReader::begin(Arena& arena, const CodecLimits& limits) {
  if (parser_ == nullptr) parser_ = std::make_unique<Parser>();
  parser_->begin();
  arena_ = &arena;
  limits_ = limits;
  trailers_ = nullptr;
  framing_bytes_ = 0;
}

ChunkReader::Step ChunkReader::step(std::string_view bytes) {
  if (trailers_ != nullptr) return trailer(bytes);
  return parser_->left > 0 ? data(bytes) : frame(bytes);
}

// Up to the end of one line, so that its length can be bounded exactly.
ChunkReader::Step ChunkReader::frame(std::string_view bytes) {
  Step step;
  const std::size_t room = kPlainSizeLine + limits_.max_chunk_extension_bytes - framing_bytes_;
  const std::size_t line_end = bytes.substr(0, room).find('\n');
  step.used = line_end == std::string_view::npos ? std::min(bytes.size(), room) : line_end + 1;
  framing_bytes_ += step.used;
  if (llhttp_execute(&parser_->llhttp, bytes.data(), step.used) != HPE_OK) {
    step.refusal = {ErrorCode::bad_request, "malformed chunk framing"};
    return step;
  }
  if (parser_->last_chunk) {
    trailers_ = arena_->make<HeadReader>(
        *arena_, HeadLimits{limits_.max_fields, limits_.max_head_bytes, limits_.max_head_bytes});
  } else if (line_end == std::string_view::npos && step.used == room) {
    step.refusal = {ErrorCode::bad_request, "a chunk extension that is too long"};
  }
  return step;
}

ChunkReader::Step ChunkReader::data(std::string_view bytes) {
  Step step;
  step.used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), parser_->left));
  if (llhttp_execute(&parser_->llhttp, bytes.data(), step.used) != HPE_OK) {
    step.refusal = {ErrorCode::bad_request, "malformed chunk"};
    return step;
  }
  step.body = bytes.substr(0, step.used);
  parser_->left -= step.used;
  framing_bytes_ = 0;
  return step;
}

ChunkReader::Step ChunkReader::trailer(std::string_view bytes) {
  Step step;
  switch (trailers_->read(bytes, step.used)) {
    case HeadReader::State::more: break;
    case HeadReader::State::complete: step.complete = true; break;
    case HeadReader::State::malformed:
      step.refusal = {ErrorCode::bad_request, "a control byte or bare line end in the trailers"};
      break;
    case HeadReader::State::first_line_too_long:
    case HeadReader::State::too_large:
      step.refusal = {ErrorCode::header_too_large, "too many or too large trailers"};
      break;
  }
  return step;
}

Refusal ChunkReader::read_trailers(const FieldOptions& options, HeaderList& trailers) {
  trailers_->keep();
  const Refusal refusal = read_fields(*trailers_, 0, options, *arena_, trailers);
  if (!refusal.refused()) trailers.remove_if(is_forbidden_trailer);
  return refusal;
}

}  // namespace gateway::http
