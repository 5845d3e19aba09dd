#include "gateway/custom_metrics/service.h"

#include "gateway/downstream/local_reply.h"

namespace gateway::custom_metrics {
namespace {

// A form or a peer's question: a thousand names at most.
constexpr std::size_t kMostBody = 512 * 1024;

class GatheringExchange final : public downstream::Exchange {
 public:
  GatheringExchange(Service& service, downstream::Stream& stream)
      : service_(service), stream_(stream) {
    if (stream.request().body.has_body()) stream.send_continue();
  }
  ~GatheringExchange() override { *alive_ = nullptr; }

  void on_request_body(std::string_view bytes) override {
    if (over_) return;
    body_.append(bytes);
    if (body_.size() <= kMostBody) return;
    stream_.close_after();
    refuse(ErrorCode::body_too_large);
  }
  void on_request_trailers(http::HeaderList&) override {}
  void on_request_end() override {
    if (over_) return;
    service_.answer({stream_.request(), stream_.connection(), body_},
                    [alive = alive_](const Answer& answer) {
                      if (*alive != nullptr) (*alive)->send(answer);
                    });
  }
  void on_request_failed(const Error& error) override {
    if (!over_) refuse(error.code);
  }
  void on_writable() override {}
  void on_abort(const Error&) override { over_ = true; }

 private:
  void refuse(ErrorCode code) {
    over_ = true;
    downstream::LocalReplyContent reply;
    reply.code = code;
    downstream::send_local_reply(stream_, reply);
  }

  void send(const Answer& answer) {
    if (over_) return;
    over_ = true;
    Arena& arena = stream_.arena();
    http::HeaderList headers;
    headers.add(arena, "Cache-Control", "no-store");
    headers.add(arena, "X-Content-Type-Options", "nosniff");
    if (!answer.challenge.empty())
      headers.add(arena, http::HeaderId::www_authenticate, answer.challenge);
    if (!answer.allow.empty()) headers.add(arena, "Allow", answer.allow);
    downstream::send_text(stream_, answer.status, answer.content_type, answer.body, &headers);
  }

  Service& service_;
  downstream::Stream& stream_;
  std::string body_;
  bool over_ = false;
  std::shared_ptr<GatheringExchange*> alive_ = std::make_shared<GatheringExchange*>(this);
};

}  // namespace

std::unique_ptr<downstream::Exchange> Service::begin(downstream::Stream& stream) {
  return std::make_unique<GatheringExchange>(*this, stream);
}

}  // namespace gateway::custom_metrics
