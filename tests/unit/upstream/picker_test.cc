#include "gateway/upstream/picker.h"

#include <gmock/gmock.h>

#include <thread>

#include "fixtures.h"

namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;
using test::make_set;

class PickerTest : public ::testing::Test {
 protected:
  PickerTest() {
    settings_.balancer.type = "round_robin";
    settings_.passive.consecutive_failures = 3;
    settings_.passive.ejection = 10s;
  }

  void start(EndpointSetPtr set) {
    set_ = std::move(set);
    picker_.emplace(settings_, random_);
    picker_->update(set_);
  }
  Endpoint& endpoint(std::size_t index) { return *set_->entries[index].endpoint; }
  std::optional<Choice> pick(PickContext context = {}) {
    return picker_->pick(context, clock_.now());
  }
  bool report(std::size_t index, Outcome outcome) {
    return picker_->report(endpoint(index), outcome, clock_.now(), clock_.now());
  }
  void eject(std::size_t index) {
    for (int i = 0; i < 3; ++i) report(index, Outcome::failure);
    ASSERT_TRUE(endpoint(index).ejected(clock_.now()));
  }
  /// How often each is chosen, trials apart.
  std::vector<int> tally(int picks) {
    std::vector<int> counts(set_->entries.size());
    for (int i = 0; i < picks; ++i)
      if (const auto choice = pick(); choice && !choice->trial) ++counts[choice->index];
    return counts;
  }

  FakeClock clock_;
  Random random_{7};
  PickSettings settings_;
  EndpointSetPtr set_;
  std::optional<Picker> picker_;
};

TEST_F(PickerTest, PicksNothingWithoutEndpoints) {
  start(make_set(0));
  EXPECT_FALSE(pick());
}

TEST_F(PickerTest, PicksNothingBeforeTheFirstSet) {
  picker_.emplace(settings_, random_);
  EXPECT_FALSE(pick());
}

TEST_F(PickerTest, LeavesOutWhatActiveChecksCallUnhealthy) {
  start(make_set(3));
  endpoint(1).set_healthy(false, clock_.now());
  const auto counts = tally(300);
  EXPECT_EQ(counts[1], 0);
  EXPECT_EQ(counts[0], 150);
  EXPECT_EQ(counts[2], 150);
}

TEST_F(PickerTest, PicksNothingWhenAllAreUnhealthy) {
  start(make_set(2));
  endpoint(0).set_healthy(false, clock_.now());
  endpoint(1).set_healthy(false, clock_.now());
  EXPECT_FALSE(pick());
}

TEST_F(PickerTest, EjectsAfterFailuresInARow) {
  start(make_set(2));
  EXPECT_FALSE(report(0, Outcome::failure));
  EXPECT_FALSE(report(0, Outcome::failure));
  EXPECT_FALSE(report(0, Outcome::success));
  EXPECT_FALSE(report(0, Outcome::failure));
  EXPECT_FALSE(report(0, Outcome::failure));
  EXPECT_TRUE(report(0, Outcome::failure));
  EXPECT_EQ(tally(100)[0], 0);
  EXPECT_EQ(endpoint(0).ejections(), 1U);
}

TEST_F(PickerTest, EjectsAtOnceWhatRefusesConnections) {
  start(make_set(2));
  EXPECT_TRUE(report(0, Outcome::connect_failed));
  EXPECT_EQ(tally(100)[0], 0);
}

TEST_F(PickerTest, EjectsNothingWhenSwitchedOff) {
  settings_.passive.enabled = false;
  start(make_set(2));
  EXPECT_FALSE(report(0, Outcome::connect_failed));
  EXPECT_EQ(tally(100)[0], 50);
}

TEST_F(PickerTest, SharesWhatItLearnedWithOtherWorkers) {
  start(make_set(2));
  Picker other(settings_, random_);
  other.update(set_);
  eject(0);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(other.pick({}, clock_.now())->index, 1U);
}

TEST_F(PickerTest, GivesAnEjectedEndpointOneTrialPerInterval) {
  start(make_set(3));
  eject(0);
  int trials = 0;
  for (int step = 0; step < 100; ++step) {  // one second
    clock_.advance(10ms);
    for (int i = 0; i < 10; ++i)
      if (const auto choice = pick(); choice && choice->trial) {
        ++trials;
        EXPECT_EQ(choice->index, 0U);
        report(0, Outcome::failure);
      }
  }
  EXPECT_EQ(trials, 4);
}

TEST_F(PickerTest, WorkersShareTheTrial) {
  start(make_set(1));
  report(0, Outcome::connect_failed);
  clock_.advance(250ms);
  std::atomic<int> trials{0};
  std::vector<std::thread> workers;
  for (std::uint64_t w = 0; w < 4; ++w)
    workers.emplace_back([&, w] {
      Random random(w);
      Picker picker(settings_, random);
      picker.update(set_);
      for (int i = 0; i < 1000; ++i)
        if (picker.pick({}, clock_.now())) ++trials;
    });
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(trials, 1);
}

TEST_F(PickerTest, OneGoodTrialTakesTheEndpointBack) {
  start(make_set(1));
  report(0, Outcome::connect_failed);
  EXPECT_FALSE(pick());
  clock_.advance(250ms);
  const auto choice = pick();
  ASSERT_TRUE(choice);
  EXPECT_TRUE(choice->trial);
  EXPECT_FALSE(pick());
  report(0, Outcome::success);
  ASSERT_TRUE(pick());
  EXPECT_FALSE(pick()->trial);
}

TEST_F(PickerTest, RetriesAreNoTrials) {
  start(make_set(2));
  eject(0);
  clock_.advance(1s);
  const Endpoint* tried[] = {&endpoint(1)};
  for (int i = 0; i < 20; ++i) {
    const auto choice = pick({.tried = tried});
    ASSERT_TRUE(choice);
    EXPECT_FALSE(choice->trial);
  }
}

TEST_F(PickerTest, AFailedTrialProlongsTheEjection) {
  start(make_set(2));
  eject(0);
  clock_.advance(9s);
  EXPECT_FALSE(report(0, Outcome::failure));
  clock_.advance(9s);
  EXPECT_TRUE(endpoint(0).ejected(clock_.now()));
  EXPECT_EQ(endpoint(0).ejections(), 1U);
}

TEST_F(PickerTest, ReturnsWhenTheEjectionEndsAndGoesAtTheNextFailure) {
  start(make_set(2));
  eject(0);
  clock_.advance(10s);
  EXPECT_EQ(tally(100)[0], 50);
  EXPECT_TRUE(report(0, Outcome::failure));
}

TEST_F(PickerTest, IgnoresWhatBeganBeforeTheEndpointChanged) {
  start(make_set(1));
  const Instant before = clock_.now();
  clock_.advance(1s);
  eject(0);
  clock_.advance(1s);
  // A slow answer to an old request does not take it back ...
  picker_->report(endpoint(0), Outcome::success, before, clock_.now());
  EXPECT_TRUE(endpoint(0).ejected(clock_.now()));
  report(0, Outcome::success);
  const Instant back = clock_.now();
  clock_.advance(1s);
  // ... and the old requests that now time out do not eject it again.
  for (int i = 0; i < 10; ++i) picker_->report(endpoint(0), Outcome::failure, before, clock_.now());
  EXPECT_FALSE(endpoint(0).ejected(clock_.now()));
  EXPECT_GT(clock_.now(), back);
}

TEST_F(PickerTest, PanicsWhileEndpointsAcceptConnections) {
  start(make_set(2));
  eject(0);
  eject(1);
  const auto counts = tally(100);
  EXPECT_EQ(counts[0] + counts[1], 100);
}

TEST_F(PickerTest, PanicsOnlyOnThoseThatAcceptConnections) {
  start(make_set(2));
  report(0, Outcome::connect_failed);
  eject(1);
  EXPECT_EQ(tally(100)[1], 100);
}

TEST_F(PickerTest, GivesUpAtOnceWhenNoneAcceptsConnections) {
  start(make_set(2));
  report(0, Outcome::connect_failed);
  for (int i = 0; i < 3; ++i) report(1, Outcome::connect_timeout);
  EXPECT_FALSE(pick());
}

TEST_F(PickerTest, KeepsTheConfiguredShareIn) {
  settings_.passive.max_ejected_percent = 50;
  start(make_set(4));
  EXPECT_TRUE(report(0, Outcome::connect_failed));
  EXPECT_TRUE(report(1, Outcome::connect_failed));
  EXPECT_FALSE(report(2, Outcome::connect_failed));
}

TEST_F(PickerTest, AvoidsTheEndpointsTriedWhileThereAreOthers) {
  start(make_set(3));
  const Endpoint* tried[] = {&endpoint(0), &endpoint(2)};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(pick({.tried = tried})->index, 1U);
  endpoint(1).set_healthy(false, clock_.now());
  for (int i = 0; i < 20; ++i) EXPECT_NE(pick({.tried = tried})->index, 1U);
}

TEST_F(PickerTest, WarmsUpAnEndpointThatCameBack) {
  settings_.slow_start = 10s;
  settings_.balancer.type = "least_request";
  start(make_set(2));
  eject(0);
  clock_.advance(1s);
  report(0, Outcome::success);
  const int cold = tally(2000)[0];
  clock_.advance(5s);
  const int warmer = tally(2000)[0];
  clock_.advance(5s);
  const int warm = tally(2000)[0];
  EXPECT_LT(cold, 300);
  EXPECT_GT(warmer, cold + 200);
  EXPECT_NEAR(warm, 1000, 100);
}

TEST_F(PickerTest, SticksToTheHashedEndpointWhileItWorks) {
  settings_.balancer.type = "consistent_hash";
  start(make_set(5));
  const PickContext context{.hash = 42};
  const std::uint32_t home = pick(context)->index;
  eject(home);
  const std::uint32_t refuge = pick(context)->index;
  EXPECT_NE(refuge, home);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(pick(context)->index, refuge);
  report(home, Outcome::success);
  EXPECT_EQ(pick(context)->index, home);
}

TEST_F(PickerTest, TakesNewSettingsAndSets) {
  start(make_set(2));
  settings_.balancer.type = "weighted";
  picker_->configure(settings_);
  auto set = std::make_shared<EndpointSet>(*set_);
  set->entries[0].weight = 3;
  set_ = set;
  picker_->update(set);
  EXPECT_EQ(tally(100)[0], 75);
}

TEST(OutcomeOf, BlamesTheEndpointOnlyForItsOwnFaults) {
  EXPECT_EQ(outcome_of(200), Outcome::success);
  EXPECT_EQ(outcome_of(404), Outcome::success);
  EXPECT_EQ(outcome_of(503), Outcome::failure);
  EXPECT_EQ(outcome_of(ErrorCode::connect_failed), Outcome::connect_failed);
  EXPECT_EQ(outcome_of(ErrorCode::upstream_reset), Outcome::failure);
  EXPECT_EQ(outcome_of(ErrorCode::client_closed), std::nullopt);
  EXPECT_EQ(outcome_of(ErrorCode::upstream_overflow), std::nullopt);
}

TEST(Trial, OneThatWasNotMadeMayBeClaimedAgainAtOnce) {
  const auto set = make_set(1);
  Endpoint& endpoint = *set->entries[0].endpoint;
  const Instant now = Instant() + 1h;
  endpoint.eject(now + 10s, now);
  EXPECT_TRUE(endpoint.claim_trial(now + 250ms, 250ms));
  EXPECT_FALSE(endpoint.claim_trial(now + 260ms, 250ms));
  endpoint.return_trial();
  EXPECT_TRUE(endpoint.claim_trial(now + 270ms, 250ms));
}

}  // namespace
}  // namespace gateway::upstream
