#include "apps/hello/back_end.h"

#include <fmt/format.h>

#include "gateway/upstream/call.h"

namespace gateway::apps {
namespace {

using upstream::Upstream;

constexpr std::size_t kMostBytes = 64 * 1024;

LocalPtr<Upstream> upstream_at(EventLoop& loop, const SocketAddress& address) {
  config::Upstream settings;
  settings.name = "back-end";
  settings.balancer = {"round_robin", {}};
  settings.retries.attempts = 1;
  settings.passive_health.enabled = false;  // there is no other one to ask
  settings.timeouts.connect = std::chrono::seconds(1);
  settings.timeouts.request = std::chrono::seconds(5);
  auto set = std::make_shared<upstream::EndpointSet>();
  set->upstream = settings.name;
  set->load = std::make_shared<upstream::UpstreamLoad>();
  set->entries.push_back(
      {std::make_shared<upstream::Endpoint>(settings.name, address, address.ip().to_string(), ""),
       1});
  LocalPtr<Upstream> made(new Upstream(
      loop, std::make_shared<const config::Upstream>(std::move(settings)), nullptr, nullptr));
  made->update(std::move(set));
  return made;
}

}  // namespace

/// Lives until it is answered, and to the end of that turn: its call may still be on the stack.
class BackEnd::Question final : public Disposable, private upstream::CallObserver {
 public:
  Question(BackEnd& back_end, Answered answered)
      : back_end_(back_end), answered_(std::move(answered)) {
    head_.method = http::Method::get;
    head_.target = head_.path = "/";
    head_.host = back_end.host_;
    head_.headers.add(arena_, http::HeaderId::host, back_end.host_);
  }

  void start() { call_.start(back_end_.upstream_, head_, *this, {}); }
  /// Nobody is told.
  void stop() { call_.cancel(); }

 private:
  void on_call_ready() override {}
  void on_call_writable() override {}
  void on_informational(http::ResponseHead& /*head*/) override {}
  void on_response_head(http::ResponseHead& head) override { status_ = head.status; }
  void on_response_body(std::string_view bytes) override {
    text_.append(bytes);
    if (text_.size() > kMostBytes) fail("its answer is too large");
  }
  void on_response_trailers(http::HeaderList& /*trailers*/) override {}
  void on_response_end() override {
    if (status_ != 200) return fail(fmt::format("it answers {}", status_));
    finish(std::move(text_));
  }
  void on_call_failed(const Error& error) override { finish(tl::make_unexpected(error)); }

  void fail(std::string detail) {
    finish(failure(ErrorCode::upstream_protocol, Side::upstream, std::move(detail)));
  }
  void finish(Result<std::string> answer) {
    call_.cancel();
    const Answered answered = std::move(answered_);
    back_end_.forget(this);
    answered(std::move(answer));
  }

  BackEnd& back_end_;
  Answered answered_;
  Arena arena_;
  http::RequestHead head_;
  std::string text_;
  int status_ = 0;
  upstream::Call call_;  // last: its end must not meet dead members
};

BackEnd::BackEnd(EventLoop& loop, const SocketAddress& address)
    : loop_(loop), host_(address.to_string()), upstream_(upstream_at(loop, address)) {}

BackEnd::~BackEnd() {
  for (const auto& [at, question] : questions_) question->stop();
}

void BackEnd::ask(Answered answered) {
  auto question = std::make_unique<Question>(*this, std::move(answered));
  Question* at = question.get();
  questions_.emplace(at, std::move(question));
  at->start();
}

void BackEnd::forget(Question* question) {
  const auto found = questions_.find(question);
  loop_.free_later(found->second.release());
  questions_.erase(found);
}

}  // namespace gateway::apps
