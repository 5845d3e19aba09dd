#include "gateway/kubernetes/lease.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes::lease_test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPath = "/apis/coordination.k8s.io/v1/namespaces/edge/leases/gateway";

std::string lease(const std::string& holder, int version, const std::string& renewed = "t") {
  const json object = {
      {"metadata", {{"name", "gateway"}, {"resourceVersion", std::to_string(version)}}},
      {"spec",
       {{"holderIdentity", holder},
        {"leaseDurationSeconds", 15},
        {"leaseTransitions", 3},
        {"renewTime", renewed}}}};
  return object.dump();
}

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() {
    LeaseOptions options{"edge", "gateway", "me"};
    options.wall_clock = [] {
      return std::chrono::system_clock::time_point(std::chrono::microseconds(1795804517'000'042));
    };
    lease_ = std::make_unique<Lease>(time_.timers, time_.random, time_.clock, api_, options,
                                     [this](bool leader) { changes_.push_back(leader); });
  }
  /// Leader by a Lease that nobody held, version 2 now.
  void lead() {
    lease_->start();
    api_.answer(200, lease("", 1));
    api_.answer(200, lease("me", 2));
    ASSERT_TRUE(lease_->is_leader());
  }
  /// Until the next request.
  void run_to_request() {
    const auto before = api_.count();
    for (int i = 0; i < 300 && api_.count() == before; ++i) time_.run(10ms);
    ASSERT_GT(api_.count(), before);
  }
  http::Method method() { return api_.last().request.method; }
  json body() { return json::parse(api_.last().request.body); }

  test::Time time_;
  test::FakeApi api_;
  std::vector<bool> changes_;
  std::unique_ptr<Lease> lease_;
};

TEST_F(LeaseTest, MakesTheLeaseThatIsNotThere) {
  lease_->start();
  EXPECT_EQ(api_.waiting_path(), kPath);
  api_.answer(404);
  EXPECT_EQ(api_.waiting_path(), "/apis/coordination.k8s.io/v1/namespaces/edge/leases");
  EXPECT_EQ(method(), http::Method::post);
  EXPECT_EQ(body()["kind"], "Lease");
  EXPECT_EQ(body()["metadata"]["name"], "gateway");
  EXPECT_EQ(body()["spec"]["holderIdentity"], "me");
  EXPECT_EQ(body()["spec"]["leaseDurationSeconds"], 15);
  EXPECT_EQ(body()["spec"]["renewTime"], "2026-11-27T18:35:17.000042Z");
  EXPECT_FALSE(lease_->is_leader());
  api_.answer(201, lease("me", 1));
  EXPECT_TRUE(lease_->is_leader());
  EXPECT_THAT(changes_, ElementsAre(true));
}

TEST_F(LeaseTest, RenewsEachTwoSecondsWithTheVersionItKnows) {
  lead();
  for (int version = 2; version < 20; ++version) {
    run_to_request();
    EXPECT_EQ(method(), http::Method::put);
    EXPECT_EQ(api_.waiting_path(), kPath);
    EXPECT_EQ(body()["metadata"]["resourceVersion"], std::to_string(version));
    EXPECT_EQ(body()["spec"]["leaseTransitions"], 3) << "no change of holder";
    api_.answer(200, lease("me", version + 1));
    EXPECT_TRUE(lease_->is_leader());
  }
  EXPECT_THAT(changes_, ElementsAre(true));
}

TEST_F(LeaseTest, TakesOverOnlyWhenTheLeaseHasNotChangedForItsDuration) {
  lease_->start();
  api_.answer(200, lease("other", 1, "t1"));
  const Instant seen = time_.clock.now();
  // Changed once more: its holder lives, whatever the times in it say.
  run_to_request();
  api_.answer(200, lease("other", 2, "long ago"));
  const Instant changed = time_.clock.now();
  while (method() == http::Method::get) {
    run_to_request();
    if (method() == http::Method::get) api_.answer(200, lease("other", 2, "long ago"));
  }
  EXPECT_GE(time_.clock.now() - changed, 15s);
  EXPECT_LE(time_.clock.now() - seen, 20s);
  EXPECT_EQ(body()["spec"]["holderIdentity"], "me");
  EXPECT_EQ(body()["spec"]["leaseTransitions"], 4);
  api_.answer(200, lease("me", 3));
  EXPECT_TRUE(lease_->is_leader());
}

TEST_F(LeaseTest, AConflictMeansLost) {
  lead();
  run_to_request();
  api_.answer(409, R"({"kind":"Status","code":409,"reason":"Conflict"})");
  EXPECT_FALSE(lease_->is_leader());
  EXPECT_THAT(changes_, ElementsAre(true, false));
  run_to_request();
  EXPECT_EQ(method(), http::Method::get) << "looks before it writes";
  api_.answer(200, lease("other", 9));
  EXPECT_FALSE(lease_->is_leader());
  EXPECT_EQ(lease_->holder(), "other");
}

TEST_F(LeaseTest, LeadsUntilTheRenewDeadlineWhileTheServerIsAway) {
  lead();
  const Instant renewed = time_.clock.now();
  while (lease_->is_leader()) {
    time_.run(10ms);
    if (!api_.waiting_path().empty()) api_.fail(ErrorCode::connect_failed);
  }
  EXPECT_EQ(time_.clock.now() - renewed, 10s);
  time_.run(20ms);
  EXPECT_THAT(changes_, ElementsAre(true, false));
  EXPECT_THAT(lease_->problem(), HasSubstr("connect_failed"));
}

// A write whose outcome is unknown may have been done: the version known is not good for another.
TEST_F(LeaseTest, AfterAnUnclearWriteItLooksFirstAndStaysLeader) {
  lead();
  run_to_request();
  api_.fail(ErrorCode::upstream_reset);
  run_to_request();
  EXPECT_EQ(method(), http::Method::get);
  api_.answer(200, lease("me", 3));
  EXPECT_EQ(method(), http::Method::put);
  EXPECT_EQ(body()["metadata"]["resourceVersion"], "3");
  api_.answer(200, lease("me", 4));
  EXPECT_THAT(changes_, ElementsAre(true));
}

// As after SIGSTOP: time has passed and no timer has run.
TEST_F(LeaseTest, AResumedLeaderIsNoneAndChecksBeforeItWrites) {
  lead();
  time_.clock.advance(1min);
  EXPECT_FALSE(lease_->is_leader());
  run_to_request();
  EXPECT_EQ(method(), http::Method::get);
  EXPECT_THAT(changes_, ElementsAre(true, false));
  api_.answer(200, lease("other", 9));
  EXPECT_FALSE(lease_->is_leader());
}

TEST_F(LeaseTest, AnAnswerThatComesTooLateMakesNobodyLeader) {
  lease_->start();
  api_.answer(200, lease("", 1));
  time_.clock.advance(11s);
  api_.answer(200, lease("me", 2));
  EXPECT_FALSE(lease_->is_leader());
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(LeaseTest, ReleasedItLeavesTheLeaseToTheNext) {
  lead();
  int released = 0;
  lease_->release([&] { ++released; });
  EXPECT_FALSE(lease_->is_leader());
  EXPECT_THAT(changes_, ElementsAre(true, false));
  EXPECT_EQ(method(), http::Method::put);
  EXPECT_EQ(body()["spec"]["holderIdentity"], "");
  EXPECT_EQ(released, 0);
  api_.answer(200, lease("", 3));
  EXPECT_EQ(released, 1);
  time_.run(1min);
  EXPECT_EQ(api_.waiting_path(), "") << "the end of elections";
}

// What the renewal leaves behind would keep the others waiting for its whole duration.
TEST_F(LeaseTest, ARenewalUnderWayIsWaitedForAndThenReleased) {
  lead();
  run_to_request();
  EXPECT_EQ(body()["spec"]["holderIdentity"], "me");
  int released = 0;
  lease_->release([&] { ++released; });
  EXPECT_THAT(changes_, ElementsAre(true, false));
  EXPECT_EQ(released, 0);
  api_.answer(200, lease("me", 3));
  EXPECT_FALSE(lease_->is_leader());
  EXPECT_EQ(method(), http::Method::put);
  EXPECT_EQ(body()["metadata"]["resourceVersion"], "3");
  EXPECT_EQ(body()["spec"]["holderIdentity"], "");
  EXPECT_EQ(released, 0);
  api_.answer(200, lease("", 4));
  EXPECT_EQ(released, 1);
  time_.run(1min);
  EXPECT_EQ(api_.waiting_path(), "");
  EXPECT_THAT(changes_, ElementsAre(true, false));
}

TEST_F(LeaseTest, ARenewalUnderWayThatFailsReleasesNothing) {
  lead();
  run_to_request();
  int released = 0;
  lease_->release([&] { ++released; });
  api_.answer(409, R"({"kind":"Status","code":409,"reason":"Conflict"})");
  EXPECT_EQ(released, 1);
  EXPECT_EQ(api_.waiting_path(), "");
}

TEST_F(LeaseTest, AnElectionWonWhileLeavingIsGivenBack) {
  lease_->start();
  api_.answer(404);
  EXPECT_EQ(method(), http::Method::post);
  int released = 0;
  lease_->release([&] { ++released; });
  api_.answer(201, lease("me", 1));
  EXPECT_THAT(changes_, IsEmpty());
  EXPECT_EQ(body()["spec"]["holderIdentity"], "");
  api_.fail(ErrorCode::connect_failed);
  EXPECT_EQ(released, 1) << "also when it could not be said";
}

TEST_F(LeaseTest, ALeaderThatLooksForTheVersionReleasesWhatItFinds) {
  lead();
  run_to_request();
  api_.fail(ErrorCode::upstream_reset);
  run_to_request();
  EXPECT_EQ(method(), http::Method::get);
  int released = 0;
  lease_->release([&] { ++released; });
  api_.answer(200, lease("me", 3));
  EXPECT_EQ(method(), http::Method::put);
  EXPECT_EQ(body()["metadata"]["resourceVersion"], "3");
  // Somebody who writes our name over it is not followed for ever.
  api_.answer(200, lease("me", 4));
  EXPECT_EQ(released, 1);
  EXPECT_EQ(api_.waiting_path(), "");
}

TEST_F(LeaseTest, TheEndOfAReleaseMayDestroyIt) {
  lead();
  lease_->release([this] { lease_.reset(); });
  api_.answer(200, lease("", 3));
  EXPECT_EQ(lease_, nullptr);
}

TEST_F(LeaseTest, WhoIsNotTheLeaderReleasesNothing) {
  lease_->start();
  api_.answer(200, lease("other", 1));
  int released = 0;
  lease_->release([&] { ++released; });
  EXPECT_EQ(released, 1);
  EXPECT_EQ(api_.waiting_path(), "");
}

TEST_F(LeaseTest, ForbiddenIsToldAndTriedAgain) {
  lease_->start();
  api_.answer(403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"no right"})");
  EXPECT_THAT(lease_->problem(), HasSubstr("403 Forbidden: no right"));
  run_to_request();
  EXPECT_EQ(api_.waiting_path(), kPath);
}

}  // namespace
}  // namespace gateway::kubernetes::lease_test
