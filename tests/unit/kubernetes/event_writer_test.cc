#include "gateway/kubernetes/event_writer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

Notice notice(const std::string& message, const std::string& name = "web") {
  return {"Ingress", {"prod", name}, "uid-1", Severity::warning, kRefused, message, true};
}

class EventWriterTest : public testing::Test {
 protected:
  EventWriterTest() {
    EventWriter::Options options{"gateway.ingress/controller", "gateway-0"};
    options.wall_clock = [] {
      return std::chrono::system_clock::time_point(std::chrono::microseconds(1795804517'000'042));
    };
    writer_ = std::make_unique<EventWriter>(
        time_.timers, time_.random, api_, [this] { return may_write_; }, options);
  }
  json body() { return json::parse(api_.last().request.body); }

  test::Time time_;
  test::FakeApi api_;
  bool may_write_ = true;
  std::unique_ptr<EventWriter> writer_;
};

TEST_F(EventWriterTest, TellsTheOwnerOfTheObject) {
  writer_->set_notices({notice("rewrite-target: $2 is no group")});
  EXPECT_EQ(api_.waiting_path(), "/apis/events.k8s.io/v1/namespaces/prod/events");
  EXPECT_EQ(api_.last().request.method, http::Method::post);
  const json event = body();
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "Refused");
  EXPECT_EQ(event["note"], "rewrite-target: $2 is no group");
  EXPECT_EQ(event["eventTime"], "2026-11-27T18:35:17.000042Z");
  EXPECT_EQ(event["reportingController"], "gateway.ingress/controller");
  EXPECT_EQ(event["reportingInstance"], "gateway-0");
  EXPECT_EQ(event["regarding"]["kind"], "Ingress");
  EXPECT_EQ(event["regarding"]["namespace"], "prod");
  EXPECT_EQ(event["regarding"]["name"], "web");
  EXPECT_EQ(event["regarding"]["uid"], "uid-1");
}

TEST_F(EventWriterTest, SaysEachThingOnceWhileItLasts) {
  writer_->set_notices({notice("a")});
  api_.answer(201);
  writer_->set_notices({notice("a")});
  time_.run(10s);
  EXPECT_EQ(api_.count(), 1U);
}

TEST_F(EventWriterTest, SaysWhatIsNewWhileSomethingElseLasts) {
  writer_->set_notices({notice("a")});
  api_.answer(201);
  time_.run(10s);
  writer_->set_notices({notice("a"), notice("b")});
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(EventWriterTest, SaysAnewWhatCameBack) {
  writer_->set_notices({notice("a")});
  api_.answer(201);
  writer_->set_notices({});
  writer_->set_notices({notice("a")});
  time_.run(100ms);
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(EventWriterTest, RepeatsWhatTheServerForgetsAfterAnHour) {
  writer_->set_notices({notice("a")});
  api_.answer(201);
  time_.run(61min);
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(EventWriterTest, TakesWhatAnotherReplicaSaidForSaid) {
  writer_->set_notices({notice("a")});
  const std::string name = body()["metadata"]["name"];
  api_.answer(409);
  time_.run(1min);
  EXPECT_EQ(api_.count(), 1U);
  const auto other = event_text(notice("a"), {"gateway.ingress/controller", "gateway-1", [] {
                                                return std::chrono::system_clock::time_point(
                                                    std::chrono::microseconds(1795804518'000'000));
                                              }});
  EXPECT_EQ(json::parse(other.body)["metadata"]["name"], name);
}

TEST_F(EventWriterTest, WritesAtMostTwentyASecond) {
  std::vector<Notice> many;
  for (int i = 0; i < 100; ++i) many.push_back(notice("a", "web" + std::to_string(i)));
  writer_->set_notices(many);
  for (Instant end = time_.clock.now() + 1s; time_.clock.now() < end; time_.run(10ms))
    if (api_.last().open) api_.answer(201);
  EXPECT_LE(api_.count(), 21U);
  EXPECT_GE(api_.count(), 10U);
}

TEST_F(EventWriterTest, TriesAgainLaterWhatCouldNotBeWritten) {
  writer_->set_notices({notice("a")});
  api_.fail(ErrorCode::connect_failed);
  EXPECT_FALSE(writer_->problem().empty());
  time_.run(2s);
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(EventWriterTest, WritesNothingUnlessItMay) {
  may_write_ = false;
  writer_->set_notices({notice("a")});
  EXPECT_EQ(api_.count(), 0U);
  may_write_ = true;
  writer_->reconsider();
  EXPECT_EQ(api_.count(), 1U);
}

TEST_F(EventWriterTest, PutsEventsOfClusterObjectsIntoTheDefaultNamespace) {
  Notice about = notice("a");
  about.kind = "IngressClass";
  about.object = {{}, "gateway"};
  writer_->set_notices({about});
  EXPECT_EQ(api_.waiting_path(), "/apis/events.k8s.io/v1/namespaces/default/events");
}

TEST_F(EventWriterTest, CutsLongNotesBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += "\xc3\xa9";
  writer_->set_notices({notice(text)});
  const std::string note = body()["note"];
  EXPECT_LE(note.size(), 1024U);
  EXPECT_TRUE(note.ends_with("..."));
}

}  // namespace
}  // namespace gateway::kubernetes
