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

/// An endpoint on a node; without one where the name is empty.
json endpoint(const std::string& node, std::optional<bool> ready = {}) {
  json made = {{"addresses", {"10.0.0.1"}}, {"conditions", json::object()}};
  if (!node.empty()) made["nodeName"] = node;
  if (ready) made["conditions"]["ready"] = *ready;
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
  static std::string path_of(const std::string& name) {
    return "fieldSelector=metadata.name%3D" + name;
  }

  test::Time time_;
  test::FakeApi api_;
  std::vector<std::vector<std::string>> told_;
  NodeAddresses nodes_;
};

TEST_F(NodeAddressesTest, AreThoseOfNodesWithReadyPods) {
  list_slices({endpoint("b"), endpoint("a", true), endpoint("c", false), endpoint("")});
  EXPECT_THAT(told_, IsEmpty()) << "not before the nodes are known";
  list_node("a", {{"InternalIP", "10.1.0.1"}, {"ExternalIP", "192.0.2.1"}, {"Hostname", "a"}});
  EXPECT_THAT(told_, IsEmpty());
  list_node("b", {{"Hostname", "b"}, {"InternalIP", "10.1.0.2"}, {"InternalIP", "fd00::2"}});
  EXPECT_THAT(told_.back(), ElementsAre("10.1.0.2", "192.0.2.1", "fd00::2"));
  EXPECT_FALSE(api_.was_asked(path_of("c")));
}

TEST_F(NodeAddressesTest, FollowPodsAndNodes) {
  list_slices({endpoint("a")});
  list_node("a", {{"InternalIP", "10.1.0.1"}});
  api_.say_at(kSlices, event("ADDED", slice({endpoint("b")}, "peers-2")));
  EXPECT_EQ(told_.size(), 1U) << "what was is good until the new node is known";
  list_node("b", {{"InternalIP", "10.1.0.2"}});
  EXPECT_THAT(told_.back(), ElementsAre("10.1.0.1", "10.1.0.2"));
  api_.say_at(path_of("b"), event("MODIFIED", node("b", {{"ExternalIP", "192.0.2.2"}})));
  EXPECT_THAT(told_.back(), ElementsAre("10.1.0.1", "192.0.2.2"));
  api_.say_at(kSlices, event("MODIFIED", slice({endpoint("a", false)})));
  EXPECT_THAT(told_.back(), ElementsAre("192.0.2.2"));
  api_.say_at(kSlices, event("DELETED", slice({endpoint("b")}, "peers-2")));
  EXPECT_THAT(told_.back(), IsEmpty());
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
