#include <gmock/gmock.h>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"
#include "support/temporary_folder.h"
#include "support/tls_client.h"
#include "unit/net/test_certificates.h"

/// Routes that clients are to reach over TLS alone.
namespace gateway::test::https_only_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// One route for both listeners, with a password.
class Guarded {
 public:
  explicit Guarded(const std::string& options = {}) {
    const net::PemPair pair = net::TestAuthority().issue({"a.example"});
    folder_.write("a.crt", pair.certificate);
    folder_.write("a.key", pair.key);
    gateway_.emplace("version: 1\nlisteners:\n  - {name: http, address: '127.0.0.1:0'" + options +
                     "}\n  - {name: https, address: '127.0.0.1:0'" + options + ", tls: {" +
                     "certificates: [{certificate: " + folder_.path("a.crt") +
                     ", key: " + folder_.path("a.key") + "}]}}\nupstreams:\n" +
                     "  - {name: app, endpoints: [" + app.address() + "]}\nroutes:\n" +
                     "  - {name: all, https_only: true, forward: app,\n" +
                     "     filters: [{type: basic_auth, realm: staff, users: "
                     "'a:{SHA}6dcfXufJLW3J6S/9rRe4vUlBj5g='}]}\n" +
                     "  - {name: open, match: {path_prefix: /open}, forward: app}\n" +
                     "  - {name: moved, match: {path: /moved}, redirect: {path: /app}}\n");
  }
  Reply ask(const std::string& fields, const std::string& target = "/x?y") const {
    return fetch(gateway_->port(),
                 "GET " + target + " HTTP/1.1\r\nHost: a.example:8080\r\n" + fields + "\r\n");
  }
  std::string ask_over_tls(const std::string& fields) const {
    TlsClient client(gateway_->port("https"), {.server_name = "a.example"});
    return client.fetch("GET /x HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
  }

  Recorder app;

 private:
  test::TemporaryFolder folder_;
  std::optional<Gateway> gateway_;
};

const std::string kPassword = "Authorization: Basic YTpi\r\n";

TEST(HttpsOnly, PlainRequestsAreSentToTheSamePlaceBeforeAPasswordIsAskedFor) {
  Guarded guarded;
  const Reply reply = guarded.ask({});
  EXPECT_EQ(reply.status, 308);
  EXPECT_EQ(reply.field("location"), "https://a.example/x?y");
  EXPECT_EQ(reply.field("www-authenticate"), "");
  EXPECT_EQ(guarded.ask(kPassword).status, 308) << "nor is one taken";
  EXPECT_THAT(guarded.app.heads(), IsEmpty());
  EXPECT_EQ(guarded.ask({}, "/open").status, 200) << "another route is as it says";
}

TEST(HttpsOnly, RequestsOverTlsAreServed) {
  Guarded guarded;
  EXPECT_THAT(guarded.ask_over_tls({}), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(guarded.ask_over_tls(kPassword), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpsOnly, OnlyATrustedProxySpeaksForItsClient) {
  EXPECT_EQ(Guarded().ask(kPassword + "X-Forwarded-Proto: https\r\n").status, 308);
  Guarded behind(", trusted_proxies: [127.0.0.0/8]");
  EXPECT_EQ(behind.ask(kPassword + "X-Forwarded-Proto: https\r\n").status, 200)
      << "or it would be sent round for ever";
  EXPECT_EQ(behind.ask(kPassword + "X-Forwarded-Proto: http\r\n").status, 308);
  EXPECT_THAT(behind.ask_over_tls(kPassword + "X-Forwarded-Proto: http\r\n"),
              StartsWith("HTTP/1.1 308 "))
      << "TLS is the proxy's way to us, not its client's to it";
}

TEST(HttpsOnly, OfSeveralWordsTheNearestProxysCounts) {
  Guarded behind(", trusted_proxies: [127.0.0.0/8]");
  const std::pair<const char*, int> cases[] = {
      {"X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", 308},
      {"X-Forwarded-Proto: https, http\r\n", 308},
      {"X-Forwarded-Proto: https, HTTPS \r\n", 200},
      {"X-Forwarded-Proto: wss\r\n", 200},
      {"X-Forwarded-Proto: ws\r\n", 308},
      {"X-Forwarded-Proto: gopher\r\n", 308}};
  for (const auto& [fields, status] : cases)
    EXPECT_EQ(behind.ask(kPassword + fields).status, status) << fields;
}

TEST(HttpsOnly, OtherRedirectsKeepTheClientsScheme) {
  Guarded behind(", trusted_proxies: [127.0.0.0/8]");
  EXPECT_EQ(behind.ask("X-Forwarded-Proto: https\r\n", "/moved").field("location"),
            "https://a.example:8080/app");
  EXPECT_EQ(Guarded().ask("X-Forwarded-Proto: https\r\n", "/moved").field("location"),
            "http://a.example:8080/app");
}

}  // namespace
}  // namespace gateway::test::https_only_test
