#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/temporary_folder.h"
#include "unit/net/test_certificates.h"

/// A reload that cannot be taken by a worker leaves everything as it was.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;

class Reload : public testing::Test {
 protected:
  Reload() {
    const net::PemPair pair = authority_.issue({"a.example"});
    folder_.write("a.crt", pair.certificate);
    folder_.write("a.key", pair.key);
  }

  std::string config(const std::string& body) const {
    return "version: 1\n"
           "listeners:\n"
           "  - {name: http, address: '127.0.0.1:0'}\n"
           "  - {name: https, address: '127.0.0.2:0', tls: {certificates: [{folder: '" +
           folder_.path() +
           "'}]}}\n"
           "routes:\n"
           "  - {name: all, match: {path_prefix: /}, respond: {status: 200, body: " +
           body + "}}\n";
  }

  net::TestAuthority authority_;
  TemporaryFolder folder_;
};

TEST_F(Reload, IsTakenAsAWholeOrNotAtAll) {
  Gateway gateway(config("before"));
  const auto spoil = [](server::WorkerUpdate& update) {
    update.listeners.back().model.tls->ciphers = "NONSENSE";
  };
  try {
    gateway.reload(config("after"), spoil);
    FAIL() << "it was taken";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("TLS ciphers"));
  }
  EXPECT_EQ(fetch(gateway.port(), get("/")).body, "before");
  gateway.reload(config("after"));
  EXPECT_EQ(fetch(gateway.port(), get("/")).body, "after");
}

// Two listeners with a route of their own each. Without the first, the second moves to its place.
std::string two_listeners(bool first) {
  std::string text = "version: 1\nlisteners:\n";
  if (first) text += "  - {name: one, address: '0.0.0.0:0'}\n";
  text += "  - {name: http, address: '127.0.0.1:0'}\nroutes:\n";
  if (first)
    text +=
        "  - {name: r1, listeners: [one], match: {path_prefix: /}, "
        "respond: {status: 200, body: one}}\n";
  return text +
         "  - {name: r2, listeners: [http], match: {path_prefix: /}, "
         "respond: {status: 200, body: two}}\n";
}

TEST(Listeners, KeptConnectionsStayWithTheirOwn) {
  Gateway gateway(two_listeners(false));
  HttpClient kept(gateway.port());
  EXPECT_EQ(kept.fetch(get("/")).body, "two");
  const std::string request = get("/");
  kept.send(request.substr(0, 5));
  gateway.reload(two_listeners(true));
  kept.send(request.substr(5));
  EXPECT_EQ(kept.read_reply().body, "two");
  gateway.reload(two_listeners(false));
  EXPECT_EQ(kept.fetch(get("/")).body, "two");
}

// What is left of a removed listener must not be taken for the one that has its place now.
TEST(Listeners, ConnectionsOfARemovedOneReachNoOther) {
  Gateway gateway(two_listeners(true));
  HttpClient late(gateway.port("one"));
  const std::string request = get("/");
  late.send(request.substr(0, 5));
  // Taken from the queue before this one was.
  EXPECT_EQ(fetch(gateway.port("one"), get("/")).body, "one");
  gateway.reload(two_listeners(false));
  late.send(request.substr(5));
  const Reply reply = late.read_reply();
  EXPECT_NE(reply.body, "two");
  EXPECT_NE(reply.status, 200);
}

}  // namespace
}  // namespace gateway::test
