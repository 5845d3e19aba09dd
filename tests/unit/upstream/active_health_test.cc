#include "gateway/upstream/active_health.h"

#include <gtest/gtest.h>

#include "fixtures.h"

namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;

/// Answers at once, at the caller's word, from a timer as a real one would.
class FakeProber final : public Prober {
 public:
  explicit FakeProber(TimerWheel& timers) : timers_(timers) {}

  std::unique_ptr<Probe> probe(const Endpoint& endpoint, const config::ActiveHealth& settings,
                               Callback<bool> done) override {
    ++sent;
    paths.push_back(settings.path);
    return std::make_unique<Answer>(*this, &endpoint, done);
  }

  std::map<const Endpoint*, bool> down;
  int sent = 0;
  std::vector<std::string> paths;

 private:
  class Answer final : public Probe {
   public:
    Answer(FakeProber& prober, const Endpoint* endpoint, Callback<bool> done)
        : prober_(prober), endpoint_(endpoint), done_(done) {
      timer_.set(Callback<>::bind<&Answer::answer>(this));
      timer_.arm(prober.timers_, 10ms);
    }

   private:
    void answer() { done_(!prober_.down[endpoint_]); }
    FakeProber& prober_;
    const Endpoint* endpoint_;
    Callback<bool> done_;
    Timer timer_;
  };

  TimerWheel& timers_;
};

class ActiveHealthTest : public ::testing::Test {
 protected:
  ActiveHealthTest() {
    upstream_.name = "app";
    auto& settings = upstream_.active_health.emplace();
    settings.path = "/ready";
    settings.interval = 5s;
    settings.healthy_after = 2;
    settings.unhealthy_after = 3;
    health_.on_change([this](const Endpoint&, bool healthy) { changes_.push_back(healthy); });
  }
  void run(Duration duration) {
    for (const Instant end = clock_.now() + duration; clock_.now() < end;) {
      clock_.advance(10ms);
      timers_.advance();
    }
  }
  void wake(Instant /*at*/) {}
  Endpoint& endpoint(std::size_t index) { return *set_->entries[index].endpoint; }

  FakeClock clock_;
  TimerWheel timers_{clock_, Callback<Instant>::bind<&ActiveHealthTest::wake>(this)};
  Random random_{3};
  FakeProber prober_{timers_};
  ActiveHealth health_{timers_, random_, prober_};
  config::Upstream upstream_;
  EndpointSetPtr set_ = test::make_set(2);
  std::vector<bool> changes_;
};

TEST_F(ActiveHealthTest, ProbesEachEndpointOnceAnInterval) {
  health_.configure({upstream_});
  health_.update(set_);
  run(51s);
  EXPECT_NEAR(prober_.sent, 2 * 11, 3);
  EXPECT_EQ(prober_.paths[0], "/ready");
  EXPECT_TRUE(changes_.empty());
}

TEST_F(ActiveHealthTest, CallsAnEndpointUnhealthyAfterFailuresInARow) {
  health_.update(set_);
  health_.configure({upstream_});
  prober_.down[&endpoint(0)] = true;
  run(9s);
  EXPECT_TRUE(endpoint(0).healthy());
  run(8s);
  EXPECT_FALSE(endpoint(0).healthy());
  EXPECT_TRUE(endpoint(1).healthy());
  EXPECT_EQ(changes_, std::vector<bool>{false});
}

TEST_F(ActiveHealthTest, FindsARecoveryWithinASecond) {
  health_.configure({upstream_});
  health_.update(set_);
  prober_.down[&endpoint(0)] = true;
  run(20s);
  ASSERT_FALSE(endpoint(0).healthy());
  prober_.down[&endpoint(0)] = false;
  run(1s);
  EXPECT_TRUE(endpoint(0).healthy());
  EXPECT_EQ(changes_, (std::vector<bool>{false, true}));
}

TEST_F(ActiveHealthTest, AGoodProbeEndsAnEjectionForRefusedConnections) {
  health_.configure({upstream_});
  health_.update(set_);
  run(2s);
  endpoint(0).set_accepts_connections(false);
  endpoint(0).eject(clock_.now() + 1h, clock_.now());
  run(12s);
  EXPECT_FALSE(endpoint(0).ejected(clock_.now()));
}

TEST_F(ActiveHealthTest, ButNotOneForBadAnswers) {
  health_.configure({upstream_});
  health_.update(set_);
  run(2s);
  endpoint(0).eject(clock_.now() + 1h, clock_.now());
  run(12s);
  EXPECT_TRUE(endpoint(0).ejected(clock_.now()));
}

TEST_F(ActiveHealthTest, StopsWhenNoLongerAskedAndLeavesNoVerdict) {
  health_.configure({upstream_});
  health_.update(set_);
  prober_.down[&endpoint(0)] = true;
  run(20s);
  ASSERT_FALSE(endpoint(0).healthy());
  upstream_.active_health.reset();
  health_.configure({upstream_});
  EXPECT_TRUE(endpoint(0).healthy());
  const int sent = prober_.sent;
  run(20s);
  EXPECT_EQ(prober_.sent, sent);
}

TEST_F(ActiveHealthTest, KeepsCountingWhenOtherEndpointsComeAndGo) {
  health_.configure({upstream_});
  health_.update(set_);
  prober_.down[&endpoint(0)] = true;
  for (int i = 0; i < 18; ++i) {
    auto smaller = std::make_shared<EndpointSet>(*set_);
    if (i % 2 == 0) smaller->entries.pop_back();
    health_.update(smaller);
    health_.configure({upstream_});
    run(1s);
  }
  EXPECT_FALSE(endpoint(0).healthy());
}

TEST_F(ActiveHealthTest, AListenerMayRemoveTheEndpoint) {
  health_.on_change([this](const Endpoint&, bool) { health_.update(test::make_set(0)); });
  health_.configure({upstream_});
  health_.update(set_);
  prober_.down[&endpoint(0)] = true;
  run(20s);
  EXPECT_FALSE(endpoint(0).healthy());
}

}  // namespace
}  // namespace gateway::upstream
