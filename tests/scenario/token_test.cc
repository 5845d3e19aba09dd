#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <thread>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// What the token filter promises while its service is slow, gone or being reconfigured.
namespace gateway::test::token_test {
namespace {

using ::testing::Each;

using ::testing::HasSubstr;
using ::testing::Not;

// Long enough to have memory of its own.
constexpr const char* kAuth = "service-that-knows-all-tokens-of-the-house";

/// A token service that knows every token that begins with `good`; `slow` ones wait for `release`.
class AuthService {
 public:
  ~AuthService() { release(); }
  void release() {
    if (!std::exchange(released_, true)) gate_.set_value();
  }
  void wait_for_questions(int count) const {
    while (asked_ < count) std::this_thread::yield();
  }
  std::vector<std::string> hosts() {
    const std::lock_guard lock(mutex_);
    return hosts_;
  }
  ScriptedServer& server() { return server_; }

 private:
  void serve(Peer& peer) {
    while (const auto request = peer.read_request()) {
      {
        const std::lock_guard lock(mutex_);
        hosts_.push_back(field_of(*request, "host"));
      }
      ++asked_;
      if (request->find("slow") != std::string::npos) open_.wait();
      const bool good = request->find("token=good") != std::string::npos;
      if (!peer.send(good ? http_answer(200, "density") : http_answer(401, "fail"))) return;
    }
  }

  std::promise<void> gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  bool released_ = false;
  std::atomic<int> asked_{0};
  std::mutex mutex_;
  std::vector<std::string> hosts_;
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

/// Routes `/a` and `/b`, each with a token filter of these options.
std::string yaml_of(const std::string& app, const std::string& auth, const std::string& a,
                    const std::string& b = "", const std::string& upstream = "",
                    const std::string& listener = "") {
  const auto route = [](const std::string& name, const std::string& options) {
    return "  - name: " + name + "\n    match: {path: /" + name + "}\n" +
           "    filters: [{type: token, upstream: " + kAuth + options + "}]\n    forward: app\n";
  };
  return "version: 1\n"
         "listeners:\n  - {name: http, address: '127.0.0.1:0'" +
         listener +
         "}\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         app +
         "]}\n"
         "  - {name: " +
         kAuth + ", private: true, endpoints: [" + auth + "]" + upstream +
         "}\n"
         "routes:\n" +
         route("a", a) + route("b", b);
}

std::string with_token(std::string_view path, std::string_view token,
                       const std::string& fields = "") {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nAuthorization: " + std::string(token) + "\r\n" + fields + "\r\n";
}

TEST(TokenReload, AQuestionThatWaitsKeepsItsHost) {
  Recorder app;
  AuthService auth;
  const auto yaml = [&](const std::string& idle) {
    return yaml_of(app.address(), auth.server().address(), ", timeout: 20s", ", timeout: 20s",
                   ", limits: {requests: 1}, timeouts: {idle: " + idle + "}");
  };
  Gateway gateway(yaml("60s"));
  HttpClient first(gateway.port());
  first.send(with_token("/a", "good-slow"));
  auth.wait_for_questions(1);
  HttpClient second(gateway.port());
  second.send(with_token("/a", "good-other"));
  while (gateway.endpoints(kAuth)->load->waiting.taken() == 0) std::this_thread::yield();
  gateway.reload(yaml("61s"));
  gateway.reload(yaml("62s"));
  auth.release();
  EXPECT_EQ(first.read_reply().status, 200);
  EXPECT_EQ(second.read_reply().status, 200);
  EXPECT_THAT(auth.hosts(), Each(kAuth));
}

TEST(TokenPolicy, OneRoutesPatienceIsNotAnothers) {
  Recorder app;
  AuthService auth;
  Gateway gateway(yaml_of(app.address(), auth.server().address(), ", allow_ttl: 0s",
                          ", allow_ttl: 0s, stale_ttl: 1h"));
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "good")).status, 200);
  EXPECT_EQ(fetch(gateway.port(), with_token("/b", "good")).status, 200);
  auth.server().stop();
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "good")).status, 503);
  EXPECT_EQ(fetch(gateway.port(), with_token("/b", "good")).status, 200);
}

TEST(TokenFlood, UnknownTokensTakeNoVerdictAwayThatMayStillBeUsed) {
  Recorder app;
  AuthService auth;
  Gateway gateway(yaml_of(app.address(), auth.server().address(),
                          ", allow_ttl: 0s, stale_ttl: 1h, max_lookups: 1, timeout: 20s"));
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "good")).status, 200);
  HttpClient flood(gateway.port());
  flood.send(with_token("/a", "unknown-slow"));
  auth.wait_for_questions(2);
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "good")).status, 200);
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "other")).status, 503);
  auth.release();
  EXPECT_EQ(flood.read_reply().status, 401);
}

// However it is slow: each byte in time, and no end.
TEST(TokenTimeout, BoundsTheWholeQuestion) {
  Recorder app;
  ScriptedServer trickles([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Reads as a clock: nothing comes, until the other side has had enough.
    const timeval beat{0, 50'000};
    ::setsockopt(peer.socket().fd(), SOL_SOCKET, SO_RCVTIMEO, &beat, sizeof beat);
    char byte;
    while (::recv(peer.socket().fd(), &byte, 1, 0) < 0 && peer.send("1\r\nx\r\n")) {
    }
  });
  Gateway gateway(yaml_of(app.address(), trickles.address(), ", timeout: 300ms"));
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "good")).status, 503);
}

TEST(TokenTimeout, AnAnswerWithoutEndIsNotReadToIt) {
  Recorder app;
  ScriptedServer floods([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("8\r\nxxxxxxxx\r\n")) {
    }
  });
  Gateway gateway(yaml_of(app.address(), floods.address(), ", timeout: 20s"));
  EXPECT_EQ(fetch(gateway.port(), with_token("/a", "bad")).status, 401);
}

TEST(TokenUser, IsNotForgedByAnotherSpelling) {
  Recorder app;
  AuthService auth;
  Gateway gateway(
      yaml_of(app.address(), auth.server().address(), "", "", "", ", http: {underscores: allow}"));
  const Reply reply =
      fetch(gateway.port(), with_token("/a", "good", "X_Auth_User: root\r\nX-Auth_user: root\r\n"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-auth-user"), "density");
  EXPECT_THAT(reply.body, Not(HasSubstr("root")));
}

TEST(TokenUser, HasAHeaderOfItsOwn) {
  const std::string any = "127.0.0.1:1";
  for (const char* name : {"Authorization", "Host", "X-Forwarded-For", "content-length"})
    EXPECT_ANY_THROW(Gateway{yaml_of(any, any, std::string(", user_header: ") + name)}) << name;
  for (const char* filters : {"filters: [{type: request_id, header: X-Auth-User}]\n",
                              "filters: [{type: request_id, header: x_auth_user}]\n"})
    EXPECT_ANY_THROW(Gateway{yaml_of(any, any, "") + filters}) << filters;
}

}  // namespace
}  // namespace gateway::test::token_test
