#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/clock.h"
#include "gateway/base/random.h"
#include "gateway/kubernetes/api.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes::test {

/// An API server in memory: requests wait until the test answers them.
class FakeApi final : public Api {
 public:
  struct Asked {
    ApiRequest request;
    ApiAnswered answered;
    ApiStream* stream = nullptr;
    bool open = true;  ///< neither answered nor called off
  };

  std::unique_ptr<ApiCall> send(ApiRequest request, ApiAnswered answered) override {
    return note({std::move(request), std::move(answered), nullptr, true});
  }
  std::unique_ptr<ApiCall> stream(ApiRequest request, ApiStream& stream) override {
    return note({std::move(request), {}, &stream, true});
  }

  std::size_t count() const { return asked_.size(); }
  Asked& last() {
    GATEWAY_CHECK(!asked_.empty());
    return *asked_.back();
  }
  /// The last request's, or "" when it is over.
  std::string waiting_path() {
    return !asked_.empty() && last().open ? last().request.path_and_query : std::string();
  }

  /// To the last request, which must be open.
  void answer(int status, std::string body = {}, std::optional<Duration> retry_after = {}) {
    end(ApiResponse{status, std::move(body), retry_after});
  }
  void fail(ErrorCode code) { end(failure(code, Side::upstream, "scripted")); }
  void say(std::string_view bytes) {
    const std::shared_ptr<Asked> asked = open_one();
    asked->stream->on_stream_bytes(bytes);
  }
  void open_stream() { open_one()->stream->on_stream_open(); }

  // The same to the last open request that has this in its path or query.
  void open_stream_at(std::string_view path) { open_at(path)->stream->on_stream_open(); }
  void say_at(std::string_view path, std::string_view bytes) {
    const std::shared_ptr<Asked> asked = open_at(path);
    asked->stream->on_stream_bytes(bytes);
  }
  void answer_at(std::string_view path, int status, std::string body = {}) {
    const std::shared_ptr<Asked> asked = open_at(path);
    asked->open = false;
    asked->answered(ApiResponse{status, std::move(body)});
  }
  /// Whether there ever was such a request.
  bool was_asked(std::string_view path) const {
    return std::any_of(asked_.begin(), asked_.end(), [path](const auto& each) {
      return each->request.path_and_query.find(path) != std::string::npos;
    });
  }
  /// Whether such a request waits for an answer, or its stream goes on.
  bool is_open(std::string_view path) const {
    return std::any_of(asked_.begin(), asked_.end(), [path](const auto& each) {
      return each->open && each->request.path_and_query.find(path) != std::string::npos;
    });
  }

 private:
  class Call final : public ApiCall {
   public:
    explicit Call(std::shared_ptr<Asked> asked) : asked_(std::move(asked)) {}
    ~Call() override { asked_->open = false; }

   private:
    std::shared_ptr<Asked> asked_;
  };

  std::unique_ptr<ApiCall> note(Asked asked) {
    asked_.push_back(std::make_shared<Asked>(std::move(asked)));
    return std::make_unique<Call>(asked_.back());
  }
  std::shared_ptr<Asked> open_one() {
    GATEWAY_CHECK(last().open);
    return asked_.back();
  }
  std::shared_ptr<Asked> open_at(std::string_view path) {
    const auto found = std::find_if(asked_.rbegin(), asked_.rend(), [path](const auto& each) {
      return each->open && each->request.path_and_query.find(path) != std::string::npos;
    });
    GATEWAY_CHECK(found != asked_.rend());
    return *found;
  }
  void end(Result<ApiResponse> result) {
    const std::shared_ptr<Asked> asked = open_one();
    asked->open = false;
    if (asked->stream != nullptr) return asked->stream->on_stream_end(std::move(result));
    asked->answered(std::move(result));
  }

  std::deque<std::shared_ptr<Asked>> asked_;
};

/// Time, timers and chance of one thread, moved by the test.
class Time {
 public:
  void run(Duration duration) {
    for (const Instant end = clock.now() + duration; clock.now() < end;) {
      clock.advance(std::chrono::milliseconds(10));
      timers.advance();
    }
  }

  FakeClock clock;
  TimerWheel timers{clock, Callback<Instant>::bind<&Time::wake>(this)};
  Random random{7};

 private:
  void wake(Instant /*at*/) {}
};

}  // namespace gateway::kubernetes::test
