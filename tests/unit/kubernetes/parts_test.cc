#include <gmock/gmock.h>

#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/json_lines.h"
#include "gateway/kubernetes/status.h"
#include "gateway/kubernetes/watch_event.h"

namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Pair;
using ::testing::SizeIs;

class JsonLinesTest : public testing::Test {
 protected:
  bool feed(std::string_view bytes) {
    return lines_.feed(bytes, [this](std::string_view line) {
      seen_.emplace_back(line);
      return go_on_;
    });
  }
  JsonLines lines_{8};
  std::vector<std::string> seen_;
  bool go_on_ = true;
};

TEST_F(JsonLinesTest, JoinsWhatBelongsTogether) {
  EXPECT_TRUE(feed("{1}\n{"));
  EXPECT_TRUE(feed("2"));
  EXPECT_TRUE(feed("}\n\n \r\n{3}\r\n{4"));
  EXPECT_THAT(seen_, ElementsAre("{1}", "{2}", "{3}\r"));
  EXPECT_EQ(lines_.held(), 2U);
  lines_.clear();
  EXPECT_TRUE(feed("{5}\n"));
  EXPECT_EQ(seen_.back(), "{5}");
}

TEST_F(JsonLinesTest, HasABound) {
  EXPECT_TRUE(feed("12345678\n1234"));
  EXPECT_FALSE(feed("56789\n"));
  lines_.clear();
  EXPECT_FALSE(feed("123456789"));
}

TEST_F(JsonLinesTest, StopsWhenAsked) {
  go_on_ = false;
  EXPECT_TRUE(feed("{1}\n{2}\n{3"));
  EXPECT_THAT(seen_, ElementsAre("{1}"));
  EXPECT_EQ(lines_.held(), 0U);
}

TEST(BackoffTest, GrowsFromUnderASecondToHalfAMinute) {
  Random random(3);
  Backoff backoff;
  for (const Duration least : {800ms, 1600ms, 3200ms, 6400ms, 12800ms, 24000ms, 24000ms}) {
    const Duration wait = backoff.next(random);
    EXPECT_GE(wait, least);
    EXPECT_LE(wait, least + least / 4);
    EXPECT_LE(wait, 30s);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(random), 1s);
  for (int i = 0; i < 100; ++i) {
    const Duration wait = Backoff::brief(random);
    EXPECT_GE(wait, 500ms);
    EXPECT_LE(wait, 1s);
  }
}

TEST(WatchReaderTest, TakesMembersInAnyOrderAndLeavesTheObjectAsItIs) {
  WatchReader reader;
  const std::string object =
      R"({ "metadata" : {"annotations":null, "name":"a\u0062", "labels":{"name":"x"},)"
      R"( "resourceVersion":"17"}, "spec":{"text":"}\"{"}, "code":"no number" })";
  const auto event = reader.read_event(R"({"object": )" + object + R"( , "type": "MODIFIED"})");
  ASSERT_TRUE(event) << event.error().detail;
  EXPECT_EQ(event->type, WatchEvent::Type::modified);
  EXPECT_EQ(event->object, object);
  EXPECT_EQ(event->key, "/ab");
  EXPECT_EQ(event->version, "17");
  EXPECT_FALSE(event->initial_events_end);
}

TEST(WatchReaderTest, GiantsAndSmallOnesFollowEachOther) {
  WatchReader reader;
  for (const std::size_t size : {std::size_t{10}, std::size_t{3} << 20, std::size_t{10}}) {
    const std::string object = R"({"metadata":{"name":"a","resourceVersion":"1"},"data":")" +
                               std::string(size, 'x') + "\"}";
    const auto event = reader.read_event(R"({"type":"ADDED","object":)" + object + "}");
    ASSERT_TRUE(event) << size;
    EXPECT_TRUE(event->object == object) << size;
    EXPECT_EQ(event->key, "/a");
  }
}

TEST(WatchReaderTest, OnlyTheWordTrueEndsTheList) {
  WatchReader reader;
  const auto read = [&](const std::string& value) {
    return reader
        .read_event(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1",)"
                    R"("annotations":{"other":"true","k8s.io/initial-events-end":)" +
                    value + "}}}}")
        ->initial_events_end;
  };
  EXPECT_TRUE(read("\"true\""));
  EXPECT_FALSE(read("\"false\""));
  EXPECT_FALSE(read("true"));
}

TEST(WatchReaderTest, ReadsPages) {
  WatchReader reader;
  const auto page = reader.read_page(
      R"({"kind":"List","items":[{"metadata":{"name":"a"},"a":{}} , )"
      R"({"b":[1,{"c":2}],"metadata":{"name":"b","namespace":"prod"}}],)"
      R"("metadata":{"continue":"n","resourceVersion":"4","remainingItemCount":7}})");
  ASSERT_TRUE(page) << page.error().detail;
  EXPECT_THAT(page->objects,
              ElementsAre(Pair("/a", R"({"metadata":{"name":"a"},"a":{}})"),
                          Pair("prod/b",
                               R"({"b":[1,{"c":2}],"metadata":{"name":"b","namespace":"prod"}})")));
  EXPECT_EQ(page->version, "4");
  EXPECT_EQ(page->continue_token, "n");
  EXPECT_THAT(reader.read_page(R"({"metadata":{"resourceVersion":"4"}})")->objects, IsEmpty());
  for (const char* bad :
       {"", "{", "[]", "{}", R"({"metadata":{"resourceVersion":"4"},"items":[1]})",
        R"({"metadata":{"resourceVersion":"4"},"items":[{"metadata":{"uid":"1"}}]})",
        R"({"metadata":{"resourceVersion":"4"},"items":[{])"})
    EXPECT_FALSE(reader.read_page(bad)) << bad;
}

TEST(CollectionTest, EncodesWhatIsNotPlain) {
  EXPECT_EQ(percent_encode("a/b=c&d e~\xc3"), "a%2Fb%3Dc%26d%20e~%C3");
  EXPECT_EQ(page_path({"/api/v1/secrets", "type=x", "app in (a,b)"}, 5, "t=="),
            "/api/v1/secrets?limit=5&continue=t%3D%3D&fieldSelector=type%3Dx"
            "&labelSelector=app%20in%20%28a%2Cb%29");
}

TEST(StatusTest, BecomesOneReadableError) {
  const ApiResponse response{
      403, R"({"kind":"Status","reason":"Forbidden","message":"services is\nforbidden"})", {}};
  const Error error = gateway::kubernetes::error_of(response, "list services");
  EXPECT_EQ(error.code, ErrorCode::permission_denied);
  EXPECT_FALSE(error.retriable);
  EXPECT_EQ(error.detail, "list services: 403 Forbidden: services is forbidden");
  EXPECT_TRUE(gateway::kubernetes::error_of({503, "", {}}, "x").retriable);
  EXPECT_EQ(gateway::kubernetes::error_of({502, "<html>Bad\tGateway", {}}, "x").detail,
            "x: 502: <html>Bad Gateway");
  const std::string endless = R"({"message":")" + std::string(100'000, 'm') + "\"}";
  EXPECT_THAT(read_status(500, endless).message, SizeIs(Le(500U)));
}

}  // namespace
}  // namespace gateway::kubernetes
