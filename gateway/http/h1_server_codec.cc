#include "gateway/http/h1_server_codec.h"

#include <algorithm>
#include <ctime>

#include "gateway/base/check.h"
#include "gateway/http/bytes.h"
#include "gateway/http/fields.h"
#include "gateway/http/h1_request.h"
#include "gateway/http/h1_writer.h"
#include "gateway/http/status.h"

namespace gateway::http {
namespace {

// The longest method, two spaces and the version around a target of the longest size allowed.
constexpr std::size_t kAroundTarget = 32;

// More than the status line without its reason and the lines that are not copied from the head
// need.
constexpr std::size_t kResponseLines = 256;

constexpr Refusal kTooLarge = {ErrorCode::body_too_large, "the body is too large"};

std::int64_t system_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

thread_local DateText date_text;

Refusal refusal_of(HeadReader::State state) {
  switch (state) {
    case HeadReader::State::malformed:
      return {ErrorCode::bad_request, "a control byte or bare line end in the head"};
    case HeadReader::State::first_line_too_long:
      return {ErrorCode::uri_too_long, "the request line is too long"};
    case HeadReader::State::too_large:
      return {ErrorCode::header_too_large, "too many or too large fields"};
    case HeadReader::State::more:
    case HeadReader::State::complete: break;
  }
  return {};
}

bool put_status_line(HeadWriter& writer, const ResponseHead& head, std::string_view reason) {
  if (head.status == 200 && is(reason, "OK")) {
    writer.put("HTTP/1.1 200 OK\r\n");
    return true;
  }
  writer.put("HTTP/1.1 ");
  writer.put_number(static_cast<std::uint64_t>(head.status));
  writer.put(" ");
  writer.put(reason);
  writer.put("\r\n");
  return is_field_value(reason);
}

bool never_has_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

H1ServerCodec::H1ServerCodec(RequestEvents& events, const RequestOptions& options)
    : H1ServerCodec(events, options, system_seconds) {}

H1ServerCodec::H1ServerCodec(RequestEvents& events, const RequestOptions& options,
                             WallSeconds wall_seconds)
    : events_(events), options_(options), wall_seconds_(wall_seconds) {}

Result<std::size_t> H1ServerCodec::decode(std::string_view bytes) {
  std::size_t total = 0;
  while (total < bytes.size() && phase_ != Phase::waiting) {
    const std::string_view rest = bytes.substr(total);
    std::size_t used = 0;
    Refusal refusal;
    switch (phase_) {
      case Phase::head: refusal = decode_head(rest, used); break;
      case Phase::length_body: used = decode_length_body(rest); break;
      case Phase::chunked_body: refusal = decode_chunk(rest, used); break;
      case Phase::waiting: break;
      case Phase::tunnel:
        used = rest.size();
        events_.on_request_body(kOnlyStream, rest);
        break;
      case Phase::failed:
        refusal = {ErrorCode::bad_request, "bytes after a malformed request"};
        break;
    }
    if (refusal.refused()) {
      phase_ = Phase::failed;
      return failure(refusal.code, Side::downstream, refusal.why);
    }
    total += used;
  }
  return total;
}

void H1ServerCodec::next_request() {
  if (phase_ != Phase::waiting) return;
  phase_ = Phase::head;
  empty_line_bytes_ = 0;
  arena_ = nullptr;
  version_ = Version::http11;
  keep_alive_ = true;
  is_head_request_ = chunked_ = ends_by_close_ = false;
}

// RFC 9112 §2.2: old clients send an empty line after a body. One is skipped, whole.
std::size_t H1ServerCodec::skip_empty_line(std::string_view bytes) {
  constexpr std::string_view kEmptyLine = "\r\n";
  std::size_t skipped = 0;
  while (skipped < bytes.size() && empty_line_bytes_ < kEmptyLine.size() &&
         bytes[skipped] == kEmptyLine[empty_line_bytes_]) {
    ++empty_line_bytes_;
    ++skipped;
  }
  return skipped;
}

Refusal H1ServerCodec::decode_head(std::string_view bytes, std::size_t& used) {
  if (reader_ == nullptr) {
    if (empty_line_bytes_ == 1 || (empty_line_bytes_ == 0 && bytes.front() == '\r')) {
      used = skip_empty_line(bytes);
      if (used == bytes.size()) return {};
      if (empty_line_bytes_ == 1) return {ErrorCode::bad_request, "a bare CR before the request"};
      return {};
    }
    arena_ = &events_.on_stream_begin(kOnlyStream);
    const CodecLimits& limits = options_.limits;
    const HeadLimits head_limits = {limits.max_fields + 1, limits.max_target_bytes + kAroundTarget,
                                    limits.max_head_bytes};
    auto* head = arena_->make<RequestHead>();
    std::string_view line;
    used = read_plain_head(bytes, head_limits, *arena_, line, head->headers);
    if (used > 0) {
      const Refusal refusal = read_request_line(line, options_, *arena_, *head);
      return refusal.refused() ? refuse_head(*head, refusal) : finish_head(*head);
    }
    reader_ = arena_->make<HeadReader>(*arena_, head_limits);
  }
  return read_head(bytes, used);
}

Refusal H1ServerCodec::read_head(std::string_view bytes, std::size_t& used) {
  const HeadReader::State state = reader_->read(bytes, used);
  if (state == HeadReader::State::more) return {};
  if (state != HeadReader::State::complete) return refusal_of(state);
  if (reader_->lines() == 0) return {ErrorCode::bad_request, "an empty request line"};
  reader_->keep();
  auto* head = arena_->make<RequestHead>();
  Refusal refusal = read_request_line(reader_->line(0), options_, *arena_, *head);
  if (!refusal.refused())
    refusal = read_fields(*reader_, 1, {options_.underscores, &dropped_underscores_}, *arena_,
                          head->headers);
  reader_ = nullptr;
  return refusal.refused() ? refuse_head(*head, refusal) : finish_head(*head);
}

// The answer to a request that is refused has the form that it asked for, as far as that was read.
Refusal H1ServerCodec::refuse_head(const RequestHead& head, const Refusal& refusal) {
  version_ = head.version;
  is_head_request_ = head.method == Method::head;
  return refusal;
}

Refusal H1ServerCodec::finish_head(RequestHead& head) {
  const Refusal refusal = settle_request(*arena_, head);
  if (refusal.refused()) return refuse_head(head, refusal);
  version_ = head.version;
  keep_alive_ = head.keep_alive;
  is_head_request_ = head.method == Method::head;
  if (options_.max_body_bytes != 0 && head.body.length > options_.max_body_bytes) return kTooLarge;
  if (head.body.framing == Framing::chunked) {
    phase_ = Phase::chunked_body;
    if (chunks_ == nullptr) chunks_ = std::make_unique<ChunkReader>();
    chunks_->begin(*arena_, options_.limits);
    body_left_ = options_.max_body_bytes;
  } else {
    phase_ = Phase::length_body;
    body_left_ = head.body.length;
  }
  const bool has_body = head.body.has_body();
  events_.on_request_head(kOnlyStream, head);
  if (!has_body) end_request();
  return {};
}

std::size_t H1ServerCodec::decode_length_body(std::string_view bytes) {
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
  body_left_ -= used;
  const bool last = body_left_ == 0;
  events_.on_request_body(kOnlyStream, bytes.substr(0, used));
  if (last) end_request();
  return used;
}

Refusal H1ServerCodec::decode_chunk(std::string_view bytes, std::size_t& used) {
  const ChunkReader::Step step = chunks_->step(bytes);
  if (step.refusal.refused()) return step.refusal;
  used = step.used;
  if (options_.max_body_bytes != 0) {
    if (step.body.size() > body_left_) return kTooLarge;
    body_left_ -= step.body.size();
  }
  if (!step.body.empty()) events_.on_request_body(kOnlyStream, step.body);
  if (!step.complete) return {};
  if (chunks_->has_trailers()) {
    auto* trailers = arena_->make<HeaderList>();
    const Refusal refusal =
        chunks_->read_trailers({options_.underscores, &dropped_underscores_}, *trailers);
    if (refusal.refused()) return refusal;
    if (!trailers->empty()) events_.on_request_trailers(kOnlyStream, *trailers);
  }
  end_request();
  return {};
}

void H1ServerCodec::end_request() {
  // Before the event: whoever handles it may answer at once and ask for the next request.
  phase_ = Phase::waiting;
  events_.on_request_end(kOnlyStream);
}

void H1ServerCodec::encode_informational(StreamId /*stream*/, int status, const HeaderList& headers,
                                         Buffer& out) {
  HeadWriter writer(out, kResponseLines + fields_size(headers));
  writer.put("HTTP/1.1 ");
  writer.put_number(static_cast<std::uint64_t>(status));
  writer.put(" ");
  writer.put(reason_phrase(status));
  writer.put("\r\n");
  if (!writer.put_fields(headers, kRewrittenFields)) return;
  writer.put("\r\n");
  writer.commit();
}

Result<void> H1ServerCodec::encode_head(StreamId /*stream*/, const ResponseHead& head, bool close,
                                        Buffer& out) {
  const std::string_view reason = head.reason.empty() ? reason_phrase(head.status) : head.reason;
  if (head.status < 200 || head.status > 999)
    return failure(ErrorCode::internal, Side::internal, "a status that cannot be sent");
  HeadWriter writer(out, kResponseLines + reason.size() + fields_size(head.headers));
  if (!put_status_line(writer, head, reason) || !writer.put_fields(head.headers, kRewrittenFields))
    return failure(ErrorCode::internal, Side::internal, "a field that would split the response");
  put_framing(writer, head);
  if (!head.headers.has(HeaderId::date)) {
    writer.put("Date: ");
    writer.put(date_text.at(wall_seconds_()));
    writer.put("\r\n");
  }
  if (close || ends_by_close_ || !keep_alive_) {
    writer.put("Connection: close\r\n");
  } else if (version_ == Version::http10) {
    writer.put("Connection: keep-alive\r\n");
  }
  writer.put("\r\n");
  writer.commit();
  return {};
}

void H1ServerCodec::put_framing(HeadWriter& writer, const ResponseHead& head) {
  chunked_ = ends_by_close_ = false;
  const BodySize& body = head.body;
  if (is_head_request_ || never_has_body(head.status)) {
    put_length_without_body(writer, head);
  } else if (body.framing == Framing::length || body.framing == Framing::none) {
    writer.put_length(body.framing == Framing::length ? body.length : 0);
  } else if (version_ == Version::http10) {
    ends_by_close_ = true;
  } else {
    chunked_ = true;
    writer.put("Transfer-Encoding: chunked\r\n");
  }
}

// The length that a GET would have had may be told to HEAD and with 304 (RFC 9110 §8.6), never with
// 204.
void H1ServerCodec::put_length_without_body(HeadWriter& writer, const ResponseHead& head) {
  if (head.status == 204) return;
  std::uint64_t length = head.body.length;
  const bool given =
      head.body.framing == Framing::length
          ? is_head_request_
          : parse_content_length(head.headers.value(HeaderId::content_length), length);
  if (given) writer.put_length(length);
}

void H1ServerCodec::encode_body_prefix(StreamId /*stream*/, std::size_t size, Buffer& out) {
  if (chunked_) write_chunk_prefix(size, out);
}

void H1ServerCodec::encode_body_suffix(StreamId /*stream*/, std::size_t size, Buffer& out) {
  if (chunked_) write_chunk_suffix(size, out);
}

void H1ServerCodec::encode_end(StreamId /*stream*/, const HeaderList* trailers, Buffer& out) {
  if (chunked_) write_chunked_end(trailers, out);
  chunked_ = false;
}

Result<void> H1ServerCodec::encode_switch(StreamId /*stream*/, const ResponseHead& head,
                                          std::string_view protocol, Buffer& out) {
  GATEWAY_CHECK(phase_ == Phase::waiting);
  HeadWriter writer(out, kResponseLines + protocol.size() + fields_size(head.headers));
  writer.put("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ");
  writer.put(protocol);
  writer.put("\r\n");
  if (!is_field_value(protocol) || !writer.put_fields(head.headers, kRewrittenFields))
    return failure(ErrorCode::internal, Side::internal, "a field that would split the response");
  writer.put("\r\n");
  writer.commit();
  phase_ = Phase::tunnel;
  chunked_ = ends_by_close_ = false;
  return {};
}

}  // namespace gateway::http
