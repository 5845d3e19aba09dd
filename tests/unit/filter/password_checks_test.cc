#include "gateway/filter/password_checks.h"

#include <gtest/gtest.h>

#include <future>
#include <list>
#include <string>

#include "gateway/runtime/blocking_pool.h"

namespace gateway::filter {
namespace {

using Answer = PasswordChecks::Answer;

/// Checks whose pool has one thread, which does nothing until it may.
class PasswordQueue : public ::testing::Test {
 protected:
  PasswordQueue() {
    pool_.submit([held = held_.get_future().share()] { held.wait(); });
    checks_.on_answer([](HoldTicket& ticket, Answer) { ticket.resume(Verdict::proceed); });
  }
  ~PasswordQueue() override { let_go(); }

  void let_go() {
    if (std::exchange(holding_, false)) held_.set_value();
  }
  /// Somebody comes with a password of his own.
  Answer guess(PasswordChecks& checks) {
    tickets_.emplace_back(Callback<Verdict>::bind<&PasswordQueue::on_answer>(this));
    return checks.check("ann", std::to_string(++guesses_), tickets_.back());
  }
  void on_answer(Verdict) { ++answered_; }
  std::shared_ptr<const UserList> users() {
    return std::make_shared<const UserList>(
        *UserList::parse("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"));
  }

  std::promise<void> held_;
  bool holding_ = true;
  EventLoop loop_;
  BlockingPool pool_{1, 128};
  PasswordChecks checks_{loop_, pool_, users(), {}};
  std::list<HoldTicket> tickets_;
  int guesses_ = 0;
  int answered_ = 0;
};

TEST_F(PasswordQueue, GuessesAtOneListLeaveRoomForAnother) {
  while (guess(checks_) == Answer::wait) ASSERT_LT(guesses_, 1000);
  PasswordChecks others{loop_, pool_, users(), {}};
  others.on_answer([](HoldTicket& ticket, Answer) { ticket.resume(Verdict::proceed); });
  EXPECT_EQ(guess(others), Answer::wait);
  tickets_.clear();
}

TEST_F(PasswordQueue, WhoHasGoneGivesHisPlaceBack) {
  while (guess(checks_) == Answer::wait) ASSERT_LT(guesses_, 1000);
  tickets_.clear();
  EXPECT_EQ(guess(checks_), Answer::wait);
  let_go();
  while (answered_ == 0) loop_.run_once(std::chrono::seconds(1));
  EXPECT_EQ(answered_, 1) << "whoever still waits, and nobody else";
}

}  // namespace
}  // namespace gateway::filter
