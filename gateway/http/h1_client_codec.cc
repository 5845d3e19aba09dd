#include "gateway/http/h1_client_codec.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/http/fields.h"
#include "gateway/http/h1_writer.h"

namespace gateway::http {
namespace {

// More than the request line's constant parts and our own lines need.
constexpr std::size_t kRequestLines = 192;

// A server may send several 1xx (RFC 9110 §15.2), but not for ever.
constexpr std::uint8_t kMostInformational = 16;

Refusal bad_answer(const char* why) { return {ErrorCode::upstream_protocol, why}; }

Refusal answer_refusal(HeadReader::State state) {
  if (state == HeadReader::State::malformed)
    return bad_answer("a control byte or bare line end in the head");
  return {ErrorCode::upstream_header_too_large, "too many or too large fields"};
}

// Whatever a response breaks, it is the upstream's fault.
Refusal as_upstream(Refusal refusal) {
  if (refusal.refused())
    refusal.code = refusal.code == ErrorCode::header_too_large
                       ? ErrorCode::upstream_header_too_large
                       : ErrorCode::upstream_protocol;
  return refusal;
}

Refusal read_status_line(std::string_view line, ResponseHead& head) {
  if (line.starts_with("HTTP/1.1 ")) {
    head.version = Version::http11;
  } else if (line.starts_with("HTTP/1.0 ")) {
    head.version = Version::http10;
  } else {
    return bad_answer("the status line does not begin with a version");
  }
  std::string_view status = line.substr(kVersionSize + 1);
  if (status.size() < 3) return bad_answer("the status is not three digits");
  head.status = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (status[i] < '0' || status[i] > '9') return bad_answer("the status is not three digits");
    head.status = head.status * 10 + (status[i] - '0');
  }
  if (head.status < 100 || head.status > 599) return bad_answer("the status is out of range");
  status.remove_prefix(3);
  // Without a reason some servers leave the space out.
  if (status.empty()) return {};
  if (status.front() != ' ') return bad_answer("the status is not three digits");
  head.reason = status.substr(1);
  return {};
}

bool sends_empty_length(Method method) {
  return method == Method::post || method == Method::put || method == Method::patch;
}

}  // namespace

H1ClientCodec::H1ClientCodec(ResponseEvents& events, const CodecLimits& limits)
    : events_(events), limits_(limits) {}

Result<void> H1ClientCodec::encode_head(StreamId /*stream*/, const RequestHead& head,
                                        const RequestEncoding& encoding, Buffer& out) {
  const auto refuse = [](const char* why) {
    return failure(ErrorCode::internal, Side::internal, why);
  };
  HeadWriter writer(out, kRequestLines + head.path.size() + head.query.size() + head.host.size() +
                             encoding.upgrade.size() + fields_size(head.headers));
  const std::string_view vouched = head.headers.vouched();
  if (head.path.empty() || !is_safe_target(vouched, head.path) ||
      !is_safe_target(vouched, head.query))
    return refuse("a target that would split the request");
  writer.put(to_string(head.method));
  writer.put(" ");
  writer.put(head.path);
  if (head.has_query) {
    writer.put("?");
    writer.put(head.query);
  }
  writer.put(" HTTP/1.1\r\n");

  std::uint64_t skip = kRewrittenFields | HeaderList::bit(HeaderId::expect);
  // The field that the client sent can stay in its place when it says what `head.host` says.
  const Header* host = head.headers.find(HeaderId::host);
  if (host == nullptr || host->value.data() != head.host.data() ||
      host->value.size() != head.host.size()) {
    skip |= HeaderList::bit(HeaderId::host);
    if (!is_field_value(head.host)) return refuse("a host that would split the request");
    writer.put("Host: ");
    writer.put(head.host);
    writer.put("\r\n");
  }
  if (!writer.put_fields(head.headers, skip)) return refuse("a field that would split the request");
  chunked_request_ = head.body.framing == Framing::chunked;
  if (chunked_request_) {
    writer.put("Transfer-Encoding: chunked\r\n");
  } else if (head.body.framing == Framing::length) {
    writer.put_length(head.body.length);
  } else if (sends_empty_length(head.method)) {
    writer.put("Content-Length: 0\r\n");
  }
  if (encoding.expect_continue) writer.put("Expect: 100-continue\r\n");
  if (!encoding.keep_alive) writer.put("Connection: close\r\n");
  if (!encoding.upgrade.empty()) [[unlikely]] {
    writer.put("Connection: Upgrade\r\nUpgrade: ");
    writer.put(encoding.upgrade);
    writer.put("\r\n");
  }
  writer.put("\r\n");
  writer.commit();

  phase_ = Phase::head;
  keep_alive_ = encoding.keep_alive;
  is_head_request_ = head.method == Method::head;
  request_ended_ = !head.body.has_body();
  informational_ = 0;
  reader_ = nullptr;
  return {};
}

void H1ClientCodec::encode_body_prefix(StreamId /*stream*/, std::size_t size, Buffer& out) {
  if (chunked_request_) write_chunk_prefix(size, out);
}

void H1ClientCodec::encode_body_suffix(StreamId /*stream*/, std::size_t size, Buffer& out) {
  if (chunked_request_) write_chunk_suffix(size, out);
}

void H1ClientCodec::encode_end(StreamId /*stream*/, const HeaderList* trailers, Buffer& out) {
  if (chunked_request_) write_chunked_end(trailers, out);
  chunked_request_ = false;
  request_ended_ = true;
}

Result<std::size_t> H1ClientCodec::decode(std::string_view bytes) {
  std::size_t total = 0;
  while (total < bytes.size()) {
    Step step;
    read_step(bytes.substr(total), step);
    if (step.refusal.refused()) {
      phase_ = Phase::failed;
      return failure(step.refusal.code, Side::upstream, step.refusal.why);
    }
    total += step.used;
    if (!step.ended) continue;
    // The event of the end may have begun another request here: nothing more is read in this call.
    if (total < bytes.size())
      return failure(ErrorCode::upstream_protocol, Side::upstream, "bytes after the response");
    break;
  }
  return total;
}

void H1ClientCodec::read_step(std::string_view bytes, Step& step) {
  switch (phase_) {
    case Phase::idle: step.refusal = bad_answer("bytes without a request"); return;
    case Phase::failed: step.refusal = bad_answer("bytes after a malformed response"); return;
    case Phase::head: return read_head(bytes, step);
    case Phase::chunked_body: return read_chunk(bytes, step);
    case Phase::until_close:
      step.used = bytes.size();
      return events_.on_response_body(kOnlyStream, bytes);
    case Phase::length_body:
      step.used = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
      body_left_ -= step.used;
      step.ended = body_left_ == 0;
      events_.on_response_body(kOnlyStream, bytes.substr(0, step.used));
      if (step.ended) end_response(bytes.size() - step.used);
      return;
  }
}

void H1ClientCodec::read_head(std::string_view bytes, Step& step) {
  Arena& arena = events_.response_arena(kOnlyStream);
  ResponseHead head;
  if (reader_ == nullptr) {
    const HeadLimits head_limits = {limits_.max_fields + 1, limits_.max_head_bytes,
                                    limits_.max_head_bytes};
    std::string_view line;
    step.used = read_plain_head(bytes, head_limits, arena, line, head.headers);
    if (step.used > 0)
      step.refusal = read_status_line(line, head);
    else
      reader_ = arena.make<HeadReader>(arena, head_limits);
  }
  if (reader_ != nullptr) {
    head.headers = {};
    const HeadReader::State state = reader_->read(bytes, step.used);
    if (state == HeadReader::State::more) return;
    step.refusal =
        state == HeadReader::State::complete ? split_head(arena, head) : answer_refusal(state);
    reader_ = nullptr;
  }
  if (!step.refusal.refused()) step.refusal = settle_head(head);
  if (step.refusal.refused()) return;
  if (head.status < 200 && head.status != 101) {
    if (++informational_ > kMostInformational) {
      step.refusal = bad_answer("too many informational responses");
      return;
    }
    return events_.on_informational(kOnlyStream, head);
  }
  begin_body(head);
  step.ended = phase_ == Phase::length_body && body_left_ == 0;
  events_.on_response_head(kOnlyStream, head);
  if (step.ended) end_response(bytes.size() - step.used);
}

Refusal H1ClientCodec::split_head(Arena& arena, ResponseHead& head) {
  if (reader_->lines() == 0) return bad_answer("an empty status line");
  const Refusal refusal = read_status_line(reader_->line(0), head);
  if (refusal.refused()) return refusal;
  return as_upstream(read_fields(*reader_, 1, {}, arena, head.headers));
}

Refusal H1ClientCodec::settle_head(ResponseHead& head) const {
  const Refusal refusal = read_framing(head.headers, head.version, head.body);
  if (refusal.refused()) return as_upstream(refusal);
  head.keep_alive = read_keep_alive(head.headers, head.version);
  const bool bodyless = is_head_request_ || head.status == 204 || head.status == 304 ||
                        (head.status < 200 && head.status != 101);
  if (bodyless)
    head.body = {};
  else if (head.status == 101)
    head.body = {Framing::until_close, 0};
  if (head.body.framing == Framing::until_close) head.keep_alive = false;
  return {};
}

void H1ClientCodec::begin_body(const ResponseHead& head) {
  keep_alive_ = keep_alive_ && head.keep_alive;
  switch (head.body.framing) {
    case Framing::none:
    case Framing::length:
      phase_ = Phase::length_body;
      body_left_ = head.body.length;
      return;
    case Framing::chunked:
      phase_ = Phase::chunked_body;
      chunks_.begin(events_.response_arena(kOnlyStream), limits_);
      return;
    case Framing::until_close: phase_ = Phase::until_close; return;
  }
}

void H1ClientCodec::read_chunk(std::string_view bytes, Step& step) {
  const ChunkReader::Step chunk = chunks_.step(bytes);
  step.refusal = as_upstream(chunk.refusal);
  if (step.refusal.refused()) return;
  step.used = chunk.used;
  if (!chunk.body.empty()) events_.on_response_body(kOnlyStream, chunk.body);
  if (!chunk.complete) return;
  if (chunks_.has_trailers()) {
    HeaderList trailers;
    step.refusal = as_upstream(chunks_.read_trailers({}, trailers));
    if (step.refusal.refused()) return;
    if (!trailers.empty()) events_.on_response_trailers(kOnlyStream, trailers);
  }
  step.ended = true;
  end_response(bytes.size() - step.used);
}

void H1ClientCodec::end_response(std::size_t left_behind) {
  // Before the event: whoever handles it may ask reusable() and begin the next request. Bytes that
  // nobody asked for make the connection unfit for that (CVE-2025-4366).
  phase_ = left_behind == 0 ? Phase::idle : Phase::failed;
  events_.on_response_end(kOnlyStream);
}

Result<void> H1ClientCodec::decode_eof() {
  const Phase phase = phase_;
  phase_ = phase == Phase::idle ? Phase::idle : Phase::failed;
  keep_alive_ = false;
  switch (phase) {
    case Phase::idle: return {};
    case Phase::until_close:
      phase_ = Phase::idle;
      events_.on_response_end(kOnlyStream);
      return {};
    case Phase::head:
      if (reader_ == nullptr && informational_ == 0)
        return failure(ErrorCode::upstream_reset, Side::upstream, "closed without an answer");
      return failure(ErrorCode::upstream_reset, Side::upstream, "closed within the head");
    case Phase::length_body:
    case Phase::chunked_body:
    case Phase::failed: break;
  }
  return failure(ErrorCode::truncated_response, Side::upstream, "closed within the body");
}

}  // namespace gateway::http
