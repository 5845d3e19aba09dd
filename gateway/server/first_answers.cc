#include "gateway/server/first_answers.h"

#include <utility>

namespace gateway::server {

FirstAnswers::FirstAnswers(EventLoop& loop, Duration longest)
    : loop_(loop), longest_(longest), timer_(Callback<>::bind<&FirstAnswers::finish>(this)) {}

void FirstAnswers::expect(const std::vector<std::string>& names) {
  missing_.insert(names.begin(), names.end());
}

void FirstAnswers::heard(const std::string& name) {
  if (missing_.erase(name) > 0 && missing_.empty()) finish();
}

void FirstAnswers::when_heard(Done done) {
  done_ = std::move(done);
  if (missing_.empty()) return finish();
  timer_.arm(loop_.timers(), longest_);
}

void FirstAnswers::finish() {
  if (!done_) return;
  timer_.cancel();
  std::exchange(done_, nullptr)({missing_.begin(), missing_.end()});
}

}  // namespace gateway::server
