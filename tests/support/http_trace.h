#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/h1_client_codec.h"
#include "gateway/http/h1_server_codec.h"

/// Reads bytes with a codec and writes down what it said, as text: two ways of cutting the same
/// bytes must give the same text. Used by unit tests and fuzzers.
namespace gateway::http {

inline std::string describe_fields(const HeaderList& fields) {
  std::string text;
  for (const Header& field : fields)
    text.append("  ").append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

inline std::string describe_body(const BodySize& body) {
  switch (body.framing) {
    case Framing::none: return "none";
    case Framing::length: return std::to_string(body.length);
    case Framing::chunked: return "chunked";
    case Framing::until_close: return "until-close";
  }
  return "?";
}

inline std::string describe_head(const RequestHead& head) {
  std::string text = "request " + std::string(to_string(head.method)) + " host=";
  text.append(head.host).append(" path=").append(head.path);
  if (head.has_query) text.append(" query=").append(head.query);
  if (head.version == Version::http10) text.append(" 1.0");
  text.append(head.keep_alive ? "" : " close").append(head.expect_continue ? " expect" : "");
  return text + " body=" + describe_body(head.body) + "\n" + describe_fields(head.headers);
}

inline std::string describe_head(const ResponseHead& head) {
  std::string text = std::to_string(head.status) + " " + std::string(head.reason);
  if (head.version == Version::http10) text.append(" 1.0");
  text.append(head.keep_alive ? "" : " close");
  return text + " body=" + describe_body(head.body) + "\n" + describe_fields(head.headers);
}

/// What both directions share: the text, with body bytes joined however they came.
class Trace {
 public:
  std::string text() const { return text_ + flushed_body(); }

 protected:
  void note(std::string_view what) {
    text_ += flushed_body();
    body_.clear();
    text_.append(what);
  }
  void note_body(std::string_view bytes) { body_.append(bytes); }
  void note_error(const Error& error) {
    note("error " + std::string(describe(error.code).label) + "\n");
  }

 private:
  std::string flushed_body() const { return body_.empty() ? "" : "body " + body_ + "\n"; }
  std::string text_;
  std::string body_;
};

/// Whether the next request is read at once, as if each had been answered, or never.
enum class AfterEnd : std::uint8_t { next_request, wait };

/// A server connection that answers nothing.
class RequestTrace final : public RequestEvents, public Trace {
 public:
  explicit RequestTrace(const RequestOptions& options = {},
                        AfterEnd after_end = AfterEnd::next_request)
      : codec_(*this, options), after_end_(after_end) {}

  /// The piece is given from memory that dies afterwards: no view may point into it then.
  void feed(std::string_view piece) {
    pending_.append(piece);
    while (!failed_ && !pending_.empty()) {
      const auto bytes = std::make_unique<char[]>(pending_.size());
      pending_.copy(bytes.get(), pending_.size());
      const auto used = codec_.decode({bytes.get(), pending_.size()});
      if (!used) {
        failed_ = true;
        note_error(used.error());
        return;
      }
      pending_.erase(0, *used);
      if (!ended_ || after_end_ == AfterEnd::wait) return;
      ended_ = false;
      codec_.next_request();
    }
  }

  bool failed() const { return failed_; }
  std::size_t requests() const { return requests_; }
  H1ServerCodec& codec() { return codec_; }
  /// Bytes held for the request that is being read.
  std::size_t held() const { return arena_.footprint(); }
  /// The head that was read last; lives until the next request.
  const RequestHead* head() const { return head_; }

 private:
  Arena& on_stream_begin(StreamId) override {
    head_ = nullptr;
    arena_.reset();
    return arena_;
  }
  void on_request_head(StreamId, RequestHead& head) override {
    head_ = &head;
    described_ = describe_head(head);
    note(described_);
  }
  void on_request_body(StreamId, std::string_view bytes) override { note_body(bytes); }
  void on_request_trailers(StreamId, HeaderList& trailers) override {
    note("trailers\n" + describe_fields(trailers));
  }
  void on_request_end(StreamId) override {
    // The head must have survived the bytes that it was read from.
    note(describe_head(*head_) == described_ ? "end\n" : "end, but the head changed\n");
    ++requests_;
    ended_ = true;
  }
  void on_request_reset(StreamId, const Error& error) override { note_error(error); }

  H1ServerCodec codec_;
  AfterEnd after_end_;
  Arena arena_;
  std::string pending_;
  const RequestHead* head_ = nullptr;
  std::string described_;
  std::size_t requests_ = 0;
  bool ended_ = false;
  bool failed_ = false;
};

/// A client connection that has sent one request of `method` without a body.
class ResponseTrace final : public ResponseEvents, public Trace {
 public:
  explicit ResponseTrace(Method method = Method::get, const CodecLimits& limits = {})
      : codec_(*this, limits) {
    RequestHead head;
    head.method = method;
    head.host = "a";
    head.path = "/";
    if (!codec_.encode_head(kOnlyStream, head, {}, sent_)) note("refused to send\n");
  }

  void feed(std::string_view piece) {
    if (failed_ || piece.empty()) return;
    const auto bytes = std::make_unique<char[]>(piece.size());
    piece.copy(bytes.get(), piece.size());
    const auto used = codec_.decode({bytes.get(), piece.size()});
    if (used) return;
    failed_ = true;
    note_error(used.error());
  }
  void feed_eof() {
    if (failed_) return;
    const auto result = codec_.decode_eof();
    if (!result) note_error(result.error());
  }

  bool failed() const { return failed_; }
  H1ClientCodec& codec() { return codec_; }
  const Buffer& sent() const { return sent_; }

 private:
  void on_informational(StreamId, ResponseHead& head) override {
    note("informational " + describe_head(head));
  }
  void on_response_head(StreamId, ResponseHead& head) override {
    note("response " + describe_head(head));
  }
  void on_response_body(StreamId, std::string_view bytes) override { note_body(bytes); }
  void on_response_trailers(StreamId, HeaderList& trailers) override {
    note("trailers\n" + describe_fields(trailers));
  }
  void on_response_end(StreamId) override { note(codec_.reusable() ? "end reusable\n" : "end\n"); }
  Arena& response_arena(StreamId) override { return arena_; }

  H1ClientCodec codec_;
  Arena arena_;
  Buffer sent_;
  bool failed_ = false;
};

}  // namespace gateway::http
