#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "apps/common/app.h"
#include "gateway/base/address.h"
#include "gateway/base/local_ptr.h"
#include "gateway/upstream/upstream.h"

namespace gateway::apps {

/// The way to the private back end from one thread: kept connections, one more try where that is
/// safe, and an end to waiting.
class BackEnd final : public ThreadState {
 public:
  BackEnd(EventLoop& loop, const SocketAddress& address);
  ~BackEnd() override;

  /// Its text, or why there is none; once, on the loop, perhaps within the call.
  using Answered = std::function<void(Result<std::string>)>;
  void ask(Answered answered);

 private:
  class Question;
  void forget(Question* question);

  EventLoop& loop_;
  const std::string host_;
  LocalPtr<upstream::Upstream> upstream_;
  std::unordered_map<Question*, std::unique_ptr<Question>> questions_;
};

}  // namespace gateway::apps
