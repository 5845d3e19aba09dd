#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/name_server.h"
#include "support/scripted_server.h"

/// Endpoints that are known by name: what DNS says, and what its silence must not do. 127.0.0.1 is
/// where the application is; nobody listens on the other addresses of the loopback network.
namespace gateway::test::names_test {
namespace {

std::string config(const std::string& endpoint) {
  return "version: 1\n"
         "listeners:\n"
         "  - {name: http, address: '127.0.0.1:0'}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: ['" +
         endpoint +
         "']}\n"
         "routes:\n"
         "  - {name: all, match: {path_prefix: /}, forward: app}\n";
}

class Names : public testing::Test {
 protected:
  std::string endpoint() const { return "app.test:" + std::to_string(app_.port()); }

  /// Asks until the answer is this one; what came before is returned.
  static std::vector<int> statuses_until(HttpClient& client, int wanted) {
    std::vector<int> before;
    const auto start = std::chrono::steady_clock::now();
    while (true) {
      const int status = client.fetch(get("/")).status;
      if (status == wanted) return before;
      before.push_back(status);
      if (std::chrono::steady_clock::now() - start > std::chrono::seconds(kPatienceSeconds))
        throw std::runtime_error("never came to " + std::to_string(wanted));
    }
  }
  /// The addresses of the endpoints that the gateway knows.
  static std::string known(const Gateway& gateway) {
    std::string text;
    const auto set = gateway.endpoints("app");
    for (const auto& entry : set->entries)
      text += (text.empty() ? "" : " ") + entry.endpoint->address().ip().to_string();
    return text;
  }
  static void wait_until_known(const Gateway& gateway, const std::string& addresses) {
    while (known(gateway) != addresses) std::this_thread::yield();
  }

  ScriptedServer app_{always(http_answer(200, "ok"))};
  NameServer names_;
};

TEST_F(Names, ThatDoNotExistYetAreFoundWhenTheyDo) {
  Gateway gateway(config(endpoint()), names_.address());
  HttpClient client(gateway.port());
  const Reply reply = client.fetch(get("/"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.field("retry-after"), "1");
  names_.wait_for_questions(2);
  EXPECT_EQ(client.fetch(get("/")).status, 503);
  names_.set("app.test", {1});
  EXPECT_THAT(statuses_until(client, 200), testing::Each(503));
}

TEST_F(Names, AreAskedForAgainAndFollowed) {
  names_.set("app.test", {2});
  Gateway gateway(config(endpoint()), names_.address());
  wait_until_known(gateway, "127.0.0.2");
  HttpClient client(gateway.port());
  EXPECT_EQ(client.fetch(get("/")).status, 503);
  names_.set("app.test", {1, 2});
  wait_until_known(gateway, "127.0.0.1 127.0.0.2");
  statuses_until(client, 200);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.fetch(get("/")).status, 200);
  names_.set("app.test", {1});
  wait_until_known(gateway, "127.0.0.1");
}

TEST_F(Names, KeepTheirLastAddressesWhileDnsIsDown) {
  names_.set("app.test", {1});
  Gateway gateway(config(endpoint()), names_.address());
  HttpClient client(gateway.port());
  statuses_until(client, 200);
  names_.be_silent(true);
  names_.wait_for_questions(4);
  EXPECT_EQ(client.fetch(get("/")).status, 200);
  names_.set("app.test", {});  // it answers, and knows nothing
  names_.be_silent(false);
  names_.wait_for_questions(4);
  EXPECT_EQ(client.fetch(get("/")).status, 200);
  EXPECT_EQ(known(gateway), "127.0.0.1");
  names_.set("app.test", {2});
  wait_until_known(gateway, "127.0.0.2");
}

TEST_F(Names, SurviveAReload) {
  names_.set("app.test", {1});
  Gateway gateway(config(endpoint()), names_.address());
  HttpClient client(gateway.port());
  statuses_until(client, 200);
  names_.be_silent(true);
  gateway.reload(config(endpoint()) + "  - {name: new, match: {path: /new}, forward: app}\n");
  EXPECT_EQ(client.fetch(get("/new")).status, 200);
}

}  // namespace
}  // namespace gateway::test::names_test
