#include "gateway/kubernetes/watch.h"

#include <gmock/gmock.h>

#include <set>

#include "fake_api.h"

namespace gateway::kubernetes::watch_test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string object(const std::string& name, int version) {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"prod","resourceVersion":")" +
         std::to_string(version) + R"("}})";
}
std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string bookmark(int version) {
  return event("BOOKMARK", R"({"kind":"Ingress","metadata":{"resourceVersion":")" +
                               std::to_string(version) + R"("}})");
}
std::string end_of_list(int version) {
  return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + std::to_string(version) +
                               R"(","annotations":{"k8s.io/initial-events-end":"true"}}})");
}
std::string error_event(int code) {
  return event("ERROR", R"({"kind":"Status","code":)" + std::to_string(code) +
                            R"(,"reason":"Expired","message":"too old"})");
}
std::string page(int version, const std::string& next, const std::string& items) {
  return R"({"kind":"IngressList","metadata":{"resourceVersion":")" + std::to_string(version) +
         R"(","continue":")" + next + R"("},"items":[)" + items + "]}";
}

/// What a sink was told, as it would keep it.
class Sink final : public WatchSink {
 public:
  void on_replace(const std::vector<WatchedObject>& objects) override {
    ++replacements;
    set.clear();
    for (const WatchedObject& object : objects) set.emplace_back(object.json);
  }
  void on_upsert(const WatchedObject& object) override { note("+", object); }
  void on_delete(const WatchedObject& object) override { note("-", object); }

  int replacements = 0;
  std::vector<std::string> set;
  std::vector<std::string> changes;
  std::vector<std::string> names;  ///< of the changes

 private:
  void note(const char* sign, const WatchedObject& object) {
    changes.push_back(sign + std::string(object.json));
    names.push_back(std::string(object.namespace_) + " " + std::string(object.name));
  }
};

class WatchTest : public testing::Test {
 protected:
  /// Until the first set, of one object of version 5, has come.
  void sync() {
    watch_.start();
    api_.open_stream();
    api_.say(event("ADDED", object("a", 5)) + end_of_list(9));
    ASSERT_TRUE(watch_.synced());
  }
  bool waits_for(const std::string& part) {
    return api_.waiting_path().find(part) != std::string::npos;
  }

  test::Time time_;
  test::FakeApi api_;
  Sink sink_;
  WatchOptions options_;
  Watch watch_{time_.timers, time_.random, api_, {"/apis/x/v1/things", "type=a/b", {}}, sink_};
};

TEST_F(WatchTest, ListsAsAStreamAndGoesOnWithIt) {
  watch_.start();
  EXPECT_THAT(api_.waiting_path(),
              AllOf(HasSubstr("/apis/x/v1/things?watch=true&sendInitialEvents=true"),
                    HasSubstr("&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"),
                    HasSubstr("&fieldSelector=type%3Da%2Fb"), Not(HasSubstr("resourceVersion="))));
  api_.open_stream();
  api_.say(event("ADDED", object("a", 5)));
  api_.say(event("ADDED", object("b", 7)) + event("MODIFIED", object("a", 8)));
  api_.say(event("ADDED", object("c", 8)) + event("DELETED", object("c", 9)) + bookmark(9));
  EXPECT_EQ(sink_.replacements, 0) << "not before the list is complete";
  EXPECT_FALSE(watch_.synced());
  api_.say(end_of_list(9));
  EXPECT_TRUE(watch_.synced());
  EXPECT_THAT(sink_.set, ElementsAre(object("a", 8), object("b", 7)));
  api_.say(event("MODIFIED", object("b", 10)) + event("DELETED", object("a", 11)));
  EXPECT_THAT(sink_.changes, ElementsAre("+" + object("b", 10), "-" + object("a", 11)));
  EXPECT_THAT(sink_.names, ElementsAre("prod b", "prod a"));
  EXPECT_EQ(api_.count(), 1U) << "one stream for all of it";
  EXPECT_EQ(watch_.version(), "11");
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(WatchTest, TakesTheBytesHoweverTheyCome) {
  watch_.start();
  const std::string all = event("ADDED", object("a", 5)) + end_of_list(6) + "\r\n" +
                          event("ADDED", object("b", 7)) + event("DELETED", object("b", 8));
  for (const char byte : all) api_.say({&byte, 1});
  EXPECT_THAT(sink_.set, ElementsAre(object("a", 5)));
  EXPECT_THAT(sink_.changes, SizeIs(2));
}

TEST_F(WatchTest, GoesOnFromTheLastVersionWhenTheServerEndsAStream) {
  sync();
  api_.say(bookmark(42));
  time_.run(5min);
  api_.answer(200);
  EXPECT_TRUE(waits_for("watch=true&resourceVersion=42&allowWatchBookmarks=true&timeoutSeconds="));
  EXPECT_FALSE(waits_for("sendInitialEvents"));
  EXPECT_EQ(sink_.replacements, 1);
  EXPECT_EQ(watch_.counters().reconnects, 1U);
  EXPECT_EQ(watch_.counters().errors, 0U);
}

TEST_F(WatchTest, AServerThatEndsStreamsAtOnceIsNotAskedAtOnce) {
  sync();
  api_.answer(200);
  EXPECT_EQ(api_.waiting_path(), "");
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("resourceVersion=9"));
}

TEST_F(WatchTest, StreamsEndAtDifferentTimes) {
  std::set<std::string> times;
  for (int i = 0; i < 20; ++i) {
    watch_.start();
    const std::string path = api_.waiting_path();
    const int seconds = std::stoi(path.substr(path.find("timeoutSeconds=") + 15));
    EXPECT_GE(seconds, 300);
    EXPECT_LE(seconds, 600);
    times.insert(path);
    watch_.stop();
  }
  EXPECT_GT(times.size(), 10U);
}

TEST_F(WatchTest, AServerWithoutStreamedListsIsAskedForPages) {
  watch_.start();
  api_.answer(422, R"({"kind":"Status","code":422,"reason":"Invalid"})");
  EXPECT_TRUE(waits_for("/apis/x/v1/things?limit=500&fieldSelector="));
  api_.answer(200, page(30, "abc=", object("a", 1) + " , " + object("b", 2)));
  EXPECT_TRUE(waits_for("limit=500&continue=abc%3D&"));
  EXPECT_EQ(sink_.replacements, 0);
  api_.answer(200, page(31, "", object("c", 3)));
  EXPECT_THAT(sink_.set, ElementsAre(object("a", 1), object("b", 2), object("c", 3)));
  EXPECT_TRUE(waits_for("watch=true&resourceVersion=31"));
  api_.say(error_event(410));
  EXPECT_EQ(api_.waiting_path(), "") << "soon";
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("?limit=500")) << "it is known by now";
}

TEST_F(WatchTest, AnEmptyListIsASetToo) {
  watch_.start();
  api_.answer(422);
  api_.answer(200, R"({"metadata":{"resourceVersion":"3"},"items":null})");
  EXPECT_TRUE(watch_.synced());
  EXPECT_THAT(sink_.set, IsEmpty());
}

TEST_F(WatchTest, AListWhoseEndDoesNotComeIsFetchedInPages) {
  watch_.start();
  api_.open_stream();
  api_.say(event("ADDED", object("a", 5)));
  time_.run(9900ms);
  EXPECT_TRUE(waits_for("sendInitialEvents"));
  time_.run(200ms);
  EXPECT_TRUE(waits_for("?limit=500"));
  api_.answer(200, page(8, "", object("b", 6)));
  EXPECT_THAT(sink_.set, ElementsAre(object("b", 6)));
  api_.say(error_event(410));
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("?limit=500")) << "it is known by now";
}

TEST_F(WatchTest, AServerThatDoesNotAnswerInTimeMayStreamListsAnotherDay) {
  watch_.start();
  time_.run(10100ms);
  EXPECT_TRUE(waits_for("?limit=500"));
  api_.answer(200, page(8, "", object("b", 6)));
  api_.say(error_event(410));
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("sendInitialEvents"));
}

TEST_F(WatchTest, PagesThatTookTooLongBeginAnewWithLargerOnes) {
  watch_.start();
  api_.answer(422);
  api_.answer(200, page(30, "abc", object("a", 1)));
  api_.answer(410, R"({"kind":"Status","code":410,"reason":"Expired"})");
  EXPECT_EQ(api_.waiting_path(), "");
  EXPECT_THAT(watch_.problem(), HasSubstr("410 Expired"));
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("?limit=1000&"));
  EXPECT_FALSE(waits_for("continue"));
  api_.answer(200, page(33, "", object("b", 2)));
  EXPECT_THAT(sink_.set, ElementsAre(object("b", 2)));
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(WatchTest, PagesThatAreTooLargeBecomeSmaller) {
  watch_.start();
  api_.answer(422);
  api_.fail(ErrorCode::resource_exhausted);
  EXPECT_TRUE(waits_for("?limit=250&"));
}

TEST_F(WatchTest, TooOldInsideAStreamMeansToListAgainWhileTheSinkKeepsItsObjects) {
  sync();
  api_.say(event("ADDED", object("b", 10)) + error_event(410) + event("ADDED", object("x", 1)));
  EXPECT_TRUE(waits_for("sendInitialEvents=true"));
  api_.say(event("ADDED", object("z", 20)));
  EXPECT_EQ(sink_.replacements, 1);
  EXPECT_THAT(sink_.changes, SizeIs(1));
  api_.say(end_of_list(21));
  EXPECT_EQ(sink_.replacements, 2);
  EXPECT_THAT(sink_.set, ElementsAre(object("z", 20)));
  EXPECT_EQ(watch_.counters().relists, 1U);
  EXPECT_EQ(watch_.counters().errors, 0U);
}

TEST_F(WatchTest, TooOldAsAStatusMeansTheSame) {
  sync();
  time_.run(5min);
  api_.answer(200);
  api_.answer(410, R"({"kind":"Status","code":410,"reason":"Expired"})");
  EXPECT_TRUE(waits_for("sendInitialEvents=true"));
}

TEST_F(WatchTest, AnyOtherErrorInsideAStreamListsAgainAfterAPause) {
  sync();
  api_.say(error_event(500));
  EXPECT_EQ(api_.waiting_path(), "");
  EXPECT_THAT(watch_.problem(), HasSubstr("500 Expired: too old"));
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("sendInitialEvents=true"));
}

// Endpoints grow old meanwhile: no growth, and half a second to a second each.
TEST_F(WatchTest, AServerThatCannotBeReachedIsTriedEachSecond) {
  sync();
  for (const ErrorCode code : {ErrorCode::connect_failed, ErrorCode::upstream_tls_failed,
                               ErrorCode::upstream_reset, ErrorCode::connect_timeout})
    for (int i = 0; i < 5; ++i) {
      api_.fail(code);
      time_.run(490ms);
      ASSERT_EQ(api_.waiting_path(), "");
      time_.run(530ms);
      ASSERT_TRUE(waits_for("resourceVersion=9"));
    }
  EXPECT_EQ(sink_.replacements, 1);
  EXPECT_EQ(watch_.counters().errors, 20U);
  EXPECT_THAT(watch_.problem(), HasSubstr("connect_timeout"));
  api_.open_stream();
  EXPECT_EQ(watch_.problem(), "");
}

TEST_F(WatchTest, ASilentStreamIsReplaced) {
  sync();
  api_.fail(ErrorCode::upstream_idle_timeout);
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("resourceVersion=9"));
  EXPECT_EQ(watch_.counters().reconnects, 1U);
}

TEST_F(WatchTest, AServerThatRefusesIsAskedLessAndLessOften) {
  watch_.start();
  Duration waited{};
  for (const int status : {500, 429, 401, 403, 503, 500, 500, 500, 500}) {
    api_.answer(status);
    const Instant since = time_.clock.now();
    while (api_.waiting_path().empty()) time_.run(10ms);
    const Duration pause = time_.clock.now() - since;
    EXPECT_GE(pause + 50ms, waited);
    EXPECT_GE(pause, 800ms);
    EXPECT_LE(pause, 30s + 20ms);
    waited = std::min(pause, Duration(24s));
  }
  EXPECT_GE(waited, 24s);
}

TEST_F(WatchTest, ASuccessEndsTheGrowth) {
  watch_.start();
  for (int i = 0; i < 6; ++i) {
    api_.answer(503);
    time_.run(31s);
  }
  api_.say(end_of_list(3));
  time_.run(2s);
  api_.answer(200);
  api_.answer(503);
  time_.run(1100ms);
  EXPECT_TRUE(waits_for("resourceVersion=3"));
}

TEST_F(WatchTest, RetryAfterIsHeard) {
  watch_.start();
  for (int i = 0; i < 5; ++i) {
    api_.answer(i % 2 == 0 ? 429 : 503, {}, 7s);
    time_.run(7400ms);
    EXPECT_EQ(api_.waiting_path(), "");
    time_.run(700ms);
    EXPECT_TRUE(waits_for("sendInitialEvents")) << "as it was asked for, without growth";
  }
}

TEST_F(WatchTest, AVersionThatIsRefusedAgainAndAgainIsGivenUp) {
  sync();
  time_.run(5min);
  api_.answer(200);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(waits_for("resourceVersion=9")) << i;
    api_.answer(504, R"({"code":504,"message":"Too large resource version"})");
    time_.run(10s);
  }
  EXPECT_TRUE(waits_for("sendInitialEvents"));
}

TEST_F(WatchTest, WhatIsNoEventEndsTheStreamAndNoMore) {
  for (const std::string nonsense :
       {"{\n", "[]\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"NEW\",\"object\":{}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n",
        "\"\xff\"\n"}) {
    watch_.start();
    api_.say(nonsense);
    EXPECT_EQ(api_.waiting_path(), "") << nonsense;
    EXPECT_THAT(watch_.problem(), HasSubstr("upstream_protocol")) << nonsense;
    watch_.stop();
  }
  EXPECT_EQ(sink_.replacements, 0);
}

TEST_F(WatchTest, AnObjectWithoutBoundsIsNotGathered) {
  watch_.start();
  api_.say(R"({"type":"ADDED","object":{"data":")");
  const std::string piece(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 8 && !api_.waiting_path().empty(); ++i) api_.say(piece);
  EXPECT_EQ(api_.waiting_path(), "");
  EXPECT_THAT(watch_.problem(), HasSubstr("larger than"));
}

TEST_F(WatchTest, ASetWithoutBoundsIsNotGathered) {
  options_.max_objects = 1000;
  Watch watch{time_.timers, time_.random, api_, {"/apis/x/v1/things", {}, {}}, sink_, options_};
  watch.start();
  for (int i = 0; i < 100; ++i)
    api_.say(event("ADDED", object("same", i)) + event("ADDED", object("brief", i)) +
             event("DELETED", object("brief", i)));
  EXPECT_TRUE(waits_for("sendInitialEvents")) << "what is gone again does not count";
  for (int i = 0; i < 100 && !api_.waiting_path().empty(); ++i)
    api_.say(event("ADDED", object("a" + std::to_string(i), i)));
  EXPECT_EQ(api_.waiting_path(), "");
  EXPECT_THAT(watch.problem(), HasSubstr("too large"));
  EXPECT_EQ(sink_.replacements, 0);
}

TEST_F(WatchTest, StoppedItHearsNothingAndCanBeginAgain) {
  sync();
  watch_.stop();
  EXPECT_EQ(api_.waiting_path(), "");
  time_.run(1min);
  EXPECT_EQ(api_.count(), 1U);
  watch_.start();
  EXPECT_TRUE(waits_for("resourceVersion=9"));
}

}  // namespace
}  // namespace gateway::kubernetes::watch_test
