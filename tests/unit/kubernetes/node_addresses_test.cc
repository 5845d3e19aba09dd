#include "gateway/kubernetes/node_addresses.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "fake_api.h"

namespace gateway::kubernetes::node_addresses_test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/namespaces/edge/endpointslices?";

const std::string kEnd = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6",)"
                         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})"
                         "\n";

std::string event(const char* type, const json& object) {
  return json{{"type", type}, {"object", object}}.dump() + "\n";
}

/// As the API server lists a replica. A condition may be left out, and null is no other.
struct Conditions {
  std::optional<bool> ready = {};
  std::optional<bool> serving = {};
  std::optional<bool> terminating = {};
};

// The peers' Service publishes addresses that are not ready: `ready` is true of each of them.
constexpr Conditions kServes{true, true, false};
constexpr Conditions kStarts{true, false, false};
constexpr Conditions kDrains{true, true, true};

/// An endpoint on a node; without one where the name is empty.
json endpoint(const std::string& node, Conditions conditions = kServes) {
  json made = {{"addresses", {"10.0.0.1"}}, {"conditions", json::object()}};
  if (!node.empty()) made["nodeName"] = node;
  const auto put = [&](const char* name, std::optional<bool> value) {
    if (value) made["conditions"][name] = *value;
  };
  put("ready", conditions.ready);
  put("serving", conditions.serving);
  put("terminating", conditions.terminating);
  return made;
}

json slice(const std::vector<json>& endpoints, const std::string& name = "peers-1") {
  return {{"metadata", {{"namespace", "edge"}, {"name", name}, {"resourceVersion", "1"}}},
          {"endpoints", endpoints}};
}

using Addresses = std::vector<std::pair<std::string, std::string>>;  // type, address

json node(const std::string& name, const Addresses& addresses) {
  json list = json::array();
  for (const auto& [type, address] : addresses)
    list.push_back({{"type", type}, {"address", address}});
  return {{"metadata", {{"name", name}, {"resourceVersion", "1"}}},
          {"status", {{"addresses", std::move(list)}}}};
}

class NodeAddressesTest : public testing::Test {
 protected:
  NodeAddressesTest()
      : nodes_(time_.timers, time_.random, api_, {"edge", "gateway-peers"},
               [this](const LoadBalancerAddresses& addresses) {
                 std::vector<std::string> texts;
                 for (const LoadBalancerAddress& each : addresses) texts.push_back(each.ip);
                 told_.push_back(std::move(texts));
               }) {
    nodes_.start();
  }
  void list_slices(const std::vector<json>& endpoints) {
    api_.open_stream_at(kSlices);
    api_.say_at(kSlices, event("ADDED", slice(endpoints)) + kEnd);
  }
  void list_node(const std::string& name, const Addresses& addresses) {
    const std::string at = path_of(name);
    api_.open_stream_at(at);
    api_.say_at(at, event("ADDED", node(name, addresses)) + kEnd);
  }
  /// What was told last; empty before.
  std::vector<std::string> last() const {
    return told_.empty() ? std::vector<std::string>() : told_.back();
  }
  static std::string path_of(const std::string& name) {
    return "fieldSelector=metadata.name%3D" + name;
  }

  test::Time time_;
  test::FakeApi api_;
  std::vector<std::vector<std::string>> told_;
  NodeAddresses nodes_;
};

TEST_F(NodeAddressesTest, AreThoseOfNodesWithPodsThatServe) {
  list_slices({endpoint("b"), endpoint("a"), endpoint("c", kStarts), endpoint("d", kDrains),
               endpoint("e", {true, false, true}), endpoint("")});
  EXPECT_THAT(told_, IsEmpty()) << "not before the nodes are known";
  list_node("a", {{"InternalIP", "10.1.0.1"}, {"ExternalIP", "192.0.2.1"}, {"Hostname", "a"}});
  EXPECT_THAT(told_, IsEmpty());
  list_node("b", {{"Hostname", "b"}, {"InternalIP", "10.1.0.2"}, {"InternalIP", "fd00::2"}});
  EXPECT_THAT(last(), ElementsAre("10.1.0.2", "192.0.2.1", "fd00::2"));
  for (const char* other : {"c", "d", "e"}) EXPECT_FALSE(api_.was_asked(path_of(other))) << other;
}

// As written by hand, or by controllers that know fewer conditions.
TEST_F(NodeAddressesTest, ReadWhatIsLeftOutAsConsumersDo) {
  json null = endpoint("n", {});
  null["conditions"] = {{"ready", nullptr}, {"serving", nullptr}, {"terminating", nullptr}};
  json bare = endpoint("w");
  bare.erase("conditions");
  list_slices({endpoint("r", {true}), endpoint("u", {}), std::move(null), std::move(bare),
               endpoint("s", {false, true}), endpoint("x", {false})});
  for (const char* each : {"r", "u", "n", "w", "s"})
    EXPECT_TRUE(api_.was_asked(path_of(each))) << each;
  EXPECT_FALSE(api_.was_asked(path_of("x")));
}

TEST_F(NodeAddressesTest, FollowPodsAndNodes) {
  list_slices({endpoint("a")});
  list_node("a", {{"InternalIP", "10.1.0.1"}});
  api_.say_at(kSlices, event("ADDED", slice({endpoint("b")}, "peers-2")));
  EXPECT_EQ(told_.size(), 1U) << "what was is good until the new node is known";
  list_node("b", {{"InternalIP", "10.1.0.2"}});
  EXPECT_THAT(last(), ElementsAre("10.1.0.1", "10.1.0.2"));
  api_.say_at(path_of("b"), event("MODIFIED", node("b", {{"ExternalIP", "192.0.2.2"}})));
  EXPECT_THAT(last(), ElementsAre("10.1.0.1", "192.0.2.2"));
  api_.say_at(kSlices, event("MODIFIED", slice({endpoint("a", kDrains)})));
  EXPECT_THAT(last(), ElementsAre("192.0.2.2"));
}

// As in a rolling restart of a single replica: whoever follows addresses would lose them.
TEST_F(NodeAddressesTest, StayWhileNobodyServes) {
  list_slices({endpoint("a"), endpoint("b")});
  list_node("a", {{"InternalIP", "10.1.0.1"}});
  list_node("b", {{"InternalIP", "10.1.0.2"}});
  api_.say_at(kSlices, event("MODIFIED", slice({endpoint("a", kDrains), endpoint("b", kStarts)})));
  EXPECT_THAT(nodes_.problem(), HasSubstr("gateway-peers"));
  api_.say_at(kSlices, event("DELETED", slice({})));
  EXPECT_EQ(told_.size(), 1U);
  api_.say_at(kSlices, event("ADDED", slice({endpoint("b")})));
  EXPECT_EQ(told_.size(), 1U) << "the node is not known any more";
  list_node("b", {{"InternalIP", "10.1.0.2"}});
  EXPECT_THAT(last(), ElementsAre("10.1.0.2"));
  EXPECT_THAT(nodes_.problem(), IsEmpty());
}

TEST_F(NodeAddressesTest, StayWhileTheNodesHaveNone) {
  list_slices({endpoint("a")});
  list_node("a", {{"InternalIP", "10.1.0.1"}});
  api_.say_at(path_of("a"), event("DELETED", node("a", {{"InternalIP", "10.1.0.1"}})));
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_THAT(nodes_.problem(), HasSubstr("node a has no address"));
}

// The API server refuses a list with one entry that is no address.
TEST_F(NodeAddressesTest, AreAddressesAndNotNames) {
  list_slices({endpoint("a")});
  list_node("a", {{"ExternalIP", "a.example.com"}, {"InternalIP", "10.1.0.1"}});
  EXPECT_THAT(last(), ElementsAre("10.1.0.1"));
}

TEST_F(NodeAddressesTest, SayThatThereIsNothingToShow) {
  EXPECT_THAT(nodes_.problem(), IsEmpty()) << "it is being asked";
  list_slices({});
  EXPECT_THAT(nodes_.problem(), HasSubstr("no pod of Service edge/gateway-peers serves"));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(NodeAddressesTest, SayWhyTheyCannotBeRead) {
  list_slices({endpoint("a")});
  EXPECT_THAT(nodes_.problem(), IsEmpty());
  api_.answer(403, R"({"message":"nodes is forbidden"})");
  EXPECT_THAT(nodes_.problem(), HasSubstr("nodes is forbidden"));
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace gateway::kubernetes::node_addresses_test
