#include "gateway/upstream/endpoint_directory.h"

#include <gmock/gmock.h>

namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Upstream upstream(std::string name, std::vector<config::Endpoint> endpoints) {
  config::Upstream upstream;
  upstream.name = std::move(name);
  upstream.endpoints = std::move(endpoints);
  return upstream;
}

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

class EndpointDirectoryTest : public ::testing::Test {
 protected:
  EndpointDirectoryTest() {
    directory_.on_change([this](const EndpointSetPtr& set) { published_.push_back(set); });
  }
  void configure(std::vector<config::Upstream> upstreams) { directory_.configure(upstreams); }
  void supply(std::string_view upstream, std::vector<SuppliedEndpoint> endpoints) {
    directory_.supply(upstream, std::make_shared<const std::vector<SuppliedEndpoint>>(endpoints));
  }
  std::vector<std::string> labels(std::string_view name) const {
    std::vector<std::string> labels;
    for (const SetEntry& entry : directory_.find(name)->entries)
      labels.push_back(entry.endpoint->label());
    return labels;
  }

  FakeClock clock_;
  EndpointRegistry registry_;
  EndpointDirectory directory_{registry_, clock_};
  std::vector<EndpointSetPtr> published_;
};

TEST_F(EndpointDirectoryTest, ListsConfiguredAddressesInOrder) {
  configure({upstream("app", {{"10.0.0.2", 80}, {"10.0.0.1", 80, 5}, {"::1", 80}})});
  EXPECT_THAT(labels("app"), ElementsAre("[::1]:80", "10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(directory_.find("app")->entries[1].weight, 5U);
  EXPECT_EQ(directory_.find("other"), nullptr);
}

TEST_F(EndpointDirectoryTest, PublishesOnlyWhatChanged) {
  configure({upstream("a", {{"10.0.0.1", 80}}), upstream("b", {{"10.0.0.2", 80}})});
  ASSERT_EQ(published_.size(), 2U);
  configure({upstream("a", {{"10.0.0.1", 80}}), upstream("b", {{"10.0.0.3", 80}})});
  ASSERT_EQ(published_.size(), 3U);
  EXPECT_EQ(published_[2]->upstream, "b");
  EXPECT_EQ(published_[2]->version, 2U);
  EXPECT_EQ(published_[2]->load, published_[1]->load);
}

TEST_F(EndpointDirectoryTest, KeepsTheStateOfEndpointsThatStay) {
  configure({upstream("app", {{"10.0.0.1", 80}, {"10.0.0.2", 80}})});
  const auto before = directory_.find("app");
  configure({upstream("app", {{"10.0.0.2", 80, 7}, {"10.0.0.3", 80}})});
  const auto after = directory_.find("app");
  EXPECT_EQ(after->entries[0].endpoint, before->entries[1].endpoint);
  EXPECT_EQ(after->entries[0].weight, 7U);
}

TEST_F(EndpointDirectoryTest, KeepsUpstreamsApart) {
  configure({upstream("a", {{"10.0.0.1", 80}}), upstream("b", {{"10.0.0.1", 80}})});
  EXPECT_NE(directory_.find("a")->entries[0].endpoint, directory_.find("b")->entries[0].endpoint);
}

TEST_F(EndpointDirectoryTest, FollowsDnsAnswers) {
  configure({upstream("app", {{"app.internal", 80, 2}, {"10.0.0.9", 80}})});
  EXPECT_THAT(directory_.names(), ElementsAre("app.internal"));
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.9:80"));
  directory_.resolved("app.internal", {ip("10.0.0.2"), ip("10.0.0.1")});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80"));
  EXPECT_EQ(directory_.find("app")->entries[0].endpoint->host(), "app.internal");
  directory_.resolved("app.internal", {ip("10.0.0.1"), ip("10.0.0.2")});
  EXPECT_EQ(published_.size(), 2U) << "the same answer in another order is no news";
}

TEST_F(EndpointDirectoryTest, KeepsTheLastAnswerWhenALookUpFindsNothing) {
  configure({upstream("app", {{"app.internal", 80}})});
  directory_.resolved("app.internal", {ip("10.0.0.1")});
  directory_.resolved("app.internal", {});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80"));
  configure({upstream("app", {{"app.internal", 81}})});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:81"));
}

TEST_F(EndpointDirectoryTest, KeepsTheSetWhileANewNameHasNoAnswer) {
  configure({upstream("app", {{"old.internal", 80}})});
  directory_.resolved("old.internal", {ip("10.0.0.1")});
  published_.clear();
  configure({upstream("app", {{"new.internal", 81}})});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80"));
  directory_.resolved("new.internal", {});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(published_, IsEmpty());
  configure({upstream("app", {{"typo.internal", 81}})});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80")) << "through as many reloads as it takes";
  directory_.resolved("typo.internal", {ip("10.0.0.2")});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.2:81"));
  EXPECT_EQ(published_.size(), 1U);
}

TEST_F(EndpointDirectoryTest, EmptiesASetThatWaitsForNoName) {
  configure({upstream("app", {{"10.0.0.1", 80}})});
  configure({upstream("app", {{"app.internal", 80, 0}})});
  EXPECT_THAT(labels("app"), IsEmpty()) << "weight 0 takes out";
  configure({upstream("app", {{"app.internal", 80}})});
  EXPECT_THAT(labels("app"), IsEmpty()) << "nothing to keep";
}

TEST_F(EndpointDirectoryTest, LeavesOutWeightZeroAndDuplicates) {
  configure({upstream("app", {{"10.0.0.1", 80, 2}, {"10.0.0.1", 80, 9}, {"10.0.0.2", 80, 0}})});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(directory_.find("app")->entries[0].weight, 2U);
}

TEST_F(EndpointDirectoryTest, NewcomersStartSlowlyFoundersDoNot) {
  configure({upstream("app", {{"10.0.0.1", 80}})});
  clock_.advance(1s);
  configure({upstream("app", {{"10.0.0.1", 80}, {"10.0.0.2", 80}})});
  const auto set = directory_.find("app");
  EXPECT_EQ(set->entries[0].endpoint->warmth(clock_.now(), 10s), 1);
  EXPECT_LT(set->entries[1].endpoint->warmth(clock_.now(), 10s), 0.2);
}

TEST_F(EndpointDirectoryTest, RemembersAnEndpointForFiveMinutes) {
  configure({upstream("app", {{"10.0.0.1", 80}})});
  published_.clear();
  configure({upstream("app", {})});
  published_.clear();
  EXPECT_THAT(registry_.sweep(clock_.now()), IsEmpty());
  clock_.advance(4min);
  EXPECT_THAT(registry_.sweep(clock_.now()), IsEmpty());
  clock_.advance(1min);
  ASSERT_EQ(registry_.sweep(clock_.now()).size(), 1U);
  EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(EndpointDirectoryTest, NeverForgetsAnEndpointInUse) {
  configure({upstream("app", {{"10.0.0.1", 80}})});
  EndpointUse use(*directory_.find("app")->entries[0].endpoint);
  configure({});
  published_.clear();
  for (int i = 0; i < 10; ++i) {
    clock_.advance(5min);
    EXPECT_THAT(registry_.sweep(clock_.now()), IsEmpty());
  }
  use.release();
  registry_.sweep(clock_.now());
  clock_.advance(5min);
  EXPECT_EQ(registry_.sweep(clock_.now()).size(), 1U);
}

SuppliedEndpoint pod(std::string_view address, std::string uid) {
  return {SocketAddress::parse(address).value(), 1, std::move(uid)};
}

config::Upstream discovered(std::string name) {
  config::Upstream made = upstream(std::move(name), {});
  made.discovered = true;
  return made;
}

TEST_F(EndpointDirectoryTest, TakesWhatIsSupplied) {
  supply("app", {pod("10.0.0.2:80", "b"), pod("10.0.0.1:80", "a")});
  EXPECT_TRUE(published_.empty());
  configure({discovered("app")});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  ASSERT_EQ(published_.size(), 1U) << "never a set without endpoints";
  supply("app", {pod("10.0.0.2:80", "b")});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.2:80"));
  supply("app", {});
  EXPECT_THAT(labels("app"), IsEmpty());
}

TEST_F(EndpointDirectoryTest, AnotherPodOnAnAddressIsAnotherEndpoint) {
  configure({discovered("app")});
  supply("app", {pod("10.0.0.1:80", "old")});
  const auto before = directory_.find("app")->entries[0].endpoint;
  supply("app", {pod("10.0.0.1:80", "new")});
  EXPECT_NE(directory_.find("app")->entries[0].endpoint, before);
  EXPECT_EQ(directory_.find("app")->entries[0].endpoint->uid(), "new");
}

TEST_F(EndpointDirectoryTest, SuppliedEndpointsNeedADiscoveredUpstream) {
  supply("app", {pod("10.0.0.1:80", "a")});
  configure({upstream("app", {{"10.0.0.9", 80}})});
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.9:80"));
}

TEST_F(EndpointDirectoryTest, ReservedAddressesAreForPrivateUpstreamsAlone) {
  config::Upstream secret = discovered("secret");
  secret.private_ = true;
  configure({secret, discovered("app"), upstream("name", {{"b.internal", 80}})});
  supply("secret", {pod("10.0.0.1:80", "a")});
  supply("app", {pod("10.0.0.1:80", "a"), pod("10.0.0.1:81", "a")});
  directory_.resolved("b.internal", {ip("10.0.0.1"), ip("10.0.0.2")});
  directory_.reserve({SocketAddress::parse("10.0.0.1:80").value()});
  EXPECT_THAT(labels("secret"), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(labels("app"), ElementsAre("10.0.0.1:81"));
  EXPECT_THAT(labels("name"), ElementsAre("10.0.0.2:80"));
  directory_.resolved("b.internal", {ip("10.0.0.1")});
  EXPECT_THAT(labels("name"), IsEmpty());
}

}  // namespace
}  // namespace gateway::upstream
