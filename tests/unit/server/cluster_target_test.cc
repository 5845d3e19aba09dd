#include "gateway/server/cluster_target.h"

#include <gmock/gmock.h>

#include "tests/unit/kubernetes/fake_api.h"

namespace gateway::server {
namespace {

using custom_metrics::LabelSelector;
using custom_metrics::ObjectQuery;
using custom_metrics::ResolvedObject;
using Objects = Result<std::vector<ResolvedObject>>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClusterTargetTest : public testing::Test {
 protected:
  ClusterTargetTest() {
    pods_[{"prod", "web-1"}] = {address("10.0.0.1:80"), address("10.0.0.1:81")};
    pods_[{"prod", "web-2"}] = {address("10.0.0.2:80")};
    pods_[{"other", "web-1"}] = {address("10.0.0.3:80")};
    custom_metrics::ObjectListing listing;
    listing.objects = {{"", "services", "prod", "web", {}, {{{"prod/web/0"}}}}};
    objects_.publish(std::move(listing));
    target_.pods_changed();
  }
  static SocketAddress address(std::string_view text) { return SocketAddress::parse(text).value(); }
  static std::string text_of(const Objects& found) {
    if (!found) return found.error().to_string();
    std::string text;
    for (const ResolvedObject& each : *found) {
      text += each.name;
      for (const auto& part : each.routes) text += ' ' + part.of.route;
      text += ';';
    }
    return text;
  }
  void look_up(const std::string& name, std::string_view labels = {},
               const std::string& name_space = "prod", const std::string& resource = "pods") {
    target_.look_up({"", resource, name_space, name, LabelSelector::parse(labels).value()},
                    [this](const Objects& found) { answers_.push_back(text_of(found)); });
  }
  void answer(const std::string& names) { api_.answer(200, R"({"items":[)" + names + "]}"); }

  kubernetes::test::Time time_;
  kubernetes::test::FakeApi api_;
  kubernetes::PodNames names_{time_.clock, api_};
  custom_metrics::ObjectIndex objects_;
  kubernetes::PodAddresses pods_;
  int reads_ = 0;
  ClusterTarget target_{objects_, names_, [this] {
                          ++reads_;
                          return pods_;
                        }};
  std::vector<std::string> answers_;
};

TEST_F(ClusterTargetTest, APodIsAllItsEndpoints) {
  look_up("web-1");
  EXPECT_THAT(answers_, ElementsAre("web-1 @10.0.0.1:80 @10.0.0.1:81;"));
  EXPECT_EQ(api_.count(), 0U) << "nobody need be asked";
}

TEST_F(ClusterTargetTest, OthersAreNotFound) {
  for (const char* name : {"web", "web-11", "zzz", ""}) look_up(name);
  look_up("*", {}, "empty");
  look_up("*", "app=web", "empty");
  for (const std::string& each : answers_) EXPECT_THAT(each, HasSubstr("not_found"));
  EXPECT_EQ(answers_.size(), 6U);
  EXPECT_EQ(api_.count(), 0U);
}

TEST_F(ClusterTargetTest, AllOfTheNamespaceWithoutASelector) {
  look_up("*");
  EXPECT_THAT(answers_, ElementsAre("web-1 @10.0.0.1:80 @10.0.0.1:81;web-2 @10.0.0.2:80;"));
}

TEST_F(ClusterTargetTest, ASelectorTakesThoseOfOursThatTheServerNames) {
  look_up("*", "app=web,tier!=test");
  EXPECT_EQ(api_.waiting_path(),
            "/api/v1/namespaces/prod/pods?resourceVersion=0&labelSelector="
            "app%20in%20%28web%29%2Ctier%20notin%20%28test%29");
  EXPECT_THAT(answers_, IsEmpty());
  answer(R"({"metadata":{"name":"web-2"}},{"metadata":{"name":"db"}})");
  EXPECT_THAT(answers_, ElementsAre("web-2 @10.0.0.2:80;"));
}

TEST_F(ClusterTargetTest, NoneOfOursIsAnEmptyList) {
  look_up("*", "app=db");
  answer("");
  EXPECT_THAT(answers_, ElementsAre(""));
}

TEST_F(ClusterTargetTest, WithoutAnAnswerNothingIsAnswered) {
  look_up("*", "app=web");
  api_.fail(ErrorCode::connect_failed);
  EXPECT_THAT(answers_.at(0), HasSubstr("no_endpoint"));
  EXPECT_FALSE(target_.find({"", "pods", "prod", "*", LabelSelector::parse("app=web").value()}))
      << "never all of them";
}

TEST_F(ClusterTargetTest, EndpointsThatChangeAreReadAnewWhenSomebodyAsks) {
  look_up("web-2");
  look_up("web-2");
  EXPECT_EQ(reads_, 1);
  pods_.erase({"prod", "web-2"});
  pods_[{"prod", "web-3"}] = {address("10.0.0.2:80")};
  target_.pods_changed();
  target_.pods_changed();
  EXPECT_EQ(reads_, 1);
  look_up("web-2");
  look_up("web-3");
  EXPECT_EQ(reads_, 2);
  EXPECT_THAT(answers_[2], HasSubstr("not_found"));
  EXPECT_EQ(answers_[3], "web-3 @10.0.0.2:80;");
}

TEST_F(ClusterTargetTest, BeforeTheFirstTranslationNothingIsKnown) {
  ClusterTarget early(objects_, names_, [this] { return pods_; });
  for (const char* name : {"web-1", "*"})
    EXPECT_EQ(early.find({"", "pods", "prod", name, {}}).error().code, ErrorCode::no_endpoint);
}

TEST_F(ClusterTargetTest, OtherKindsAreTheListings) {
  look_up("web", {}, "prod", "services");
  look_up("web-1", {}, "prod", "services");
  EXPECT_EQ(answers_.at(0), "web prod/web/0;");
  EXPECT_THAT(answers_.at(1), HasSubstr("not_found"));
  EXPECT_EQ(reads_, 0);
}

}  // namespace
}  // namespace gateway::server
