#include "gateway/server/listeners.h"

#include <gtest/gtest.h>

#include <set>

namespace gateway::server {
namespace {

config::Listener listener(std::string name, const std::vector<std::string>& addresses) {
  config::Listener listener;
  listener.name = std::move(name);
  for (const std::string& address : addresses)
    listener.addresses.push_back(*SocketAddress::parse(address));
  return listener;
}

class ListenersTest : public testing::Test {
 protected:
  std::vector<ListenerPlan> take(const config::Model& model) {
    std::vector<config::Finding> findings;
    std::vector<Error> kept;
    auto prepared = listeners_.load(model, false, findings, kept);
    EXPECT_TRUE(findings.empty());
    EXPECT_TRUE(listeners_.open_sockets(prepared).has_value());
    auto plans = listeners_.plans(prepared, 0);
    listeners_.commit(std::move(prepared));
    return plans;
  }

  net::TlsLibrary library_;
  net::CertificateStore store_;
  Listeners listeners_{1, library_, store_};
};

// Port 0 says nothing about which socket is meant.
TEST_F(ListenersTest, FreePortsAreOnesOwnAndStay) {
  config::Model model;
  model.listeners = {listener("a", {"127.0.0.1:0", "127.0.0.1:0"}), listener("b", {"127.0.0.1:0"})};
  const auto before = take(model);
  std::set<int> sockets;
  for (const ListenerPlan& plan : before) sockets.insert(plan.sockets.begin(), plan.sockets.end());
  EXPECT_EQ(sockets.size(), 3U);
  std::swap(model.listeners[0], model.listeners[1]);
  const auto after = take(model);
  EXPECT_EQ(after[0].sockets, before[1].sockets);
  EXPECT_EQ(after[1].sockets, before[0].sockets);
}

}  // namespace
}  // namespace gateway::server
