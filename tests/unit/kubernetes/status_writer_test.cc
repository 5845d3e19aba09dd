#include "gateway/kubernetes/status_writer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "fake_api.h"

namespace gateway::kubernetes::status_writer_test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::IsEmpty;

const ObjectName kWeb{"prod", "web"};
constexpr const char* kPath = "/apis/networking.k8s.io/v1/namespaces/prod/ingresses/web/status";

std::string ingress(const std::string& ip = {}) {
  json object = {{"metadata", {{"namespace", "prod"}, {"name", "web"}}}};
  if (!ip.empty()) object["status"]["loadBalancer"]["ingress"] = {{{"ip", ip}}};
  return object.dump();
}

class StatusWriterTest : public testing::Test {
 protected:
  json body() { return json::parse(api_.last().request.body); }
  json addresses() { return body().at(json::json_pointer("/status/loadBalancer/ingress")); }
  void make_ours() { writer_.set_ingresses({kWeb}); }

  test::Time time_;
  test::FakeApi api_;
  bool may_write_ = true;
  StatusWriter writer_{time_.timers, time_.random, api_, [this] { return may_write_; }};
};

TEST_F(StatusWriterTest, WritesTheAddressesOfOurIngresses) {
  writer_.set_addresses({{"192.0.2.1", ""}, {"", "lb.example.com"}});
  writer_.seen(ingress());
  EXPECT_EQ(api_.count(), 0U) << "nobody knows yet whose it is";
  make_ours();
  EXPECT_EQ(api_.waiting_path(), kPath);
  EXPECT_EQ(api_.last().request.method, http::Method::patch);
  EXPECT_EQ(api_.last().request.content_type, "application/merge-patch+json");
  EXPECT_EQ(addresses(), json::parse(R"([{"ip":"192.0.2.1"},{"hostname":"lb.example.com"}])"));
}

// Of the Service that has them, for one. Who follows addresses would lose them for that moment.
TEST_F(StatusWriterTest, LeavesAloneWhatIsThereUntilTheAddressesAreKnown) {
  writer_.seen(ingress("192.0.2.1"));
  make_ours();
  EXPECT_EQ(api_.count(), 0U);
  writer_.set_addresses({{"192.0.2.2", ""}});
  EXPECT_EQ(addresses(), json::parse(R"([{"ip":"192.0.2.2"}])"));
}

TEST_F(StatusWriterTest, TakesAddressesAwayThatAreKnownToBeNone) {
  writer_.seen(ingress("192.0.2.1"));
  make_ours();
  writer_.set_addresses({});
  EXPECT_TRUE(addresses().is_null());
}

TEST_F(StatusWriterTest, LeavesAloneWhatIsTrueAlready) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress("192.0.2.1"));
  make_ours();
  EXPECT_EQ(api_.count(), 0U);
}

TEST_F(StatusWriterTest, WritesAgainWhenSomebodyElseHasWritten) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress());
  make_ours();
  api_.answer(200);
  writer_.seen(ingress("203.0.113.9"));
  EXPECT_EQ(api_.count(), 2U);
  EXPECT_EQ(addresses(), json::parse(R"([{"ip":"192.0.2.1"}])"));
}

TEST_F(StatusWriterTest, ClearsTheStatusOfAnIngressThatLeavesUs) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress("192.0.2.1"));
  make_ours();
  writer_.set_ingresses({});
  EXPECT_EQ(api_.waiting_path(), kPath);
  EXPECT_TRUE(addresses().is_null());
  api_.answer(200);
  writer_.seen(ingress("203.0.113.9"));
  EXPECT_EQ(api_.count(), 1U) << "its new owner's status is not ours to clear";
}

TEST_F(StatusWriterTest, NeverTouchesTheIngressesOfOthers) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress("203.0.113.9"));
  writer_.set_ingresses({});
  EXPECT_EQ(api_.count(), 0U);
}

TEST_F(StatusWriterTest, WritesNothingUnlessItMay) {
  may_write_ = false;
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress());
  make_ours();
  EXPECT_EQ(api_.count(), 0U);
  may_write_ = true;
  writer_.reconsider();
  EXPECT_EQ(api_.waiting_path(), kPath);
}

TEST_F(StatusWriterTest, TriesAgainWhatFailed) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress());
  make_ours();
  api_.answer(503);
  EXPECT_FALSE(writer_.problem().empty());
  time_.run(2s);
  EXPECT_EQ(api_.count(), 2U);
  api_.answer(200);
  EXPECT_THAT(writer_.problem(), IsEmpty());
}

TEST_F(StatusWriterTest, ForgetsAnIngressThatIsGoneWhileItIsWritten) {
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.seen(ingress());
  make_ours();
  writer_.keep({});
  EXPECT_EQ(api_.waiting_path(), "");
  writer_.set_addresses({{"192.0.2.2", ""}});
  EXPECT_EQ(api_.count(), 1U);
}

TEST_F(StatusWriterTest, HasFewCallsUnderWayAtATime) {
  std::set<ObjectName> ours;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "web" + std::to_string(i);
    ours.insert({"prod", name});
    writer_.seen(json{{"metadata", {{"namespace", "prod"}, {"name", name}}}}.dump());
  }
  writer_.set_addresses({{"192.0.2.1", ""}});
  writer_.set_ingresses(ours);
  EXPECT_EQ(api_.count(), StatusWriter::kMostCalls);
  api_.answer(200);
  EXPECT_EQ(api_.count(), StatusWriter::kMostCalls + 1);
}

}  // namespace
}  // namespace gateway::kubernetes::status_writer_test
