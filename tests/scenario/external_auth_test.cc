#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <thread>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// What external_auth promises, while its upstream answers and while it does not.
namespace gateway::test::external_auth_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Answers each question as the test says, and keeps what it was asked.
class Authority {
 public:
  explicit Authority(std::string answer) : answer_(std::move(answer)) {}
  std::string address() const { return server_.address(); }
  ScriptedServer& server() { return server_; }
  std::vector<std::string> questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  void serve(Peer& peer) {
    while (const auto question = peer.read_request()) {
      {
        const std::lock_guard lock(mutex_);
        questions_.push_back(*question);
      }
      if (!peer.send(answer_)) return;
    }
  }

  const std::string answer_;
  std::mutex mutex_;
  std::vector<std::string> questions_;
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

std::string yaml_of(const std::string& app, const std::string& auth,
                    const std::string& options = "", const std::string& listener = "") {
  return "version: 1\n"
         "listeners: [{name: http, address: '127.0.0.1:0'" +
         listener +
         "}]\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         app +
         "]}\n"
         "  - {name: auth, private: true, endpoints: [" +
         auth +
         "], retries: {attempts: 0}}\n"
         "routes:\n"
         "  - name: shop\n"
         "    match: {path_prefix: /shop}\n"
         "    filters: [{type: external_auth, upstream: auth, path: /check, "
         "response_headers: [X-Auth-User, Authorization]" +
         options +
         "}]\n"
         "    forward: app\n"
         "  - {name: open, match: {path_prefix: /open}, forward: app}\n";
}

std::string asking(const std::string& fields = "", const std::string& path = "/shop/7?x=1") {
  return "GET " + path + " HTTP/1.1\r\nHost: shop.example\r\n" + fields + "\r\n";
}

TEST(ExternalAuth, AsksWithoutTheBodyAndPassesOnWhatWasSaid) {
  Recorder app;
  Authority auth(http_answer(202, "fine",
                             "X-Auth-User: ann\r\nAuthorization: Bearer inside\r\nX-Other: no\r\n"
                             "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
  Gateway gateway(yaml_of(app.address(), auth.address()));
  const Reply reply =
      fetch(gateway.port(),
            "POST /shop/7?x=1 HTTP/1.1\r\nHost: shop.example\r\nCookie: s=1\r\n"
            "Authorization: Basic outside\r\nX-Auth-User: root\r\nX-Original-URL: "
            "http://evil/\r\nIf-None-Match: \"x\"\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("POST /shop/7?x=1 "));
  EXPECT_THAT(reply.body, HasSubstr("\r\n\r\nhello"));
  EXPECT_EQ(field_of(reply.body, "x-auth-user"), "ann");
  EXPECT_EQ(field_of(reply.body, "authorization"), "Bearer inside");
  EXPECT_EQ(field_of(reply.body, "x-other"), "");
  EXPECT_THAT(reply.body, Not(HasSubstr("root")));
  EXPECT_THAT(reply.body, Not(HasSubstr("outside")));
  EXPECT_THAT(reply.head, HasSubstr("Set-Cookie: a=1\r\n"));
  EXPECT_THAT(reply.head, HasSubstr("Set-Cookie: b=2\r\n"));
  ASSERT_THAT(auth.questions(), SizeIs(1));
  const std::string question = auth.questions().front();
  EXPECT_TRUE(question.starts_with("GET /check HTTP/1.1\r\n")) << question;
  EXPECT_TRUE(question.ends_with("\r\n\r\n"));
  EXPECT_EQ(field_of(question, "host"), "auth");
  EXPECT_EQ(field_of(question, "cookie"), "s=1");
  EXPECT_EQ(field_of(question, "authorization"), "Basic outside");
  EXPECT_EQ(field_of(question, "x-original-url"), "http://shop.example/shop/7?x=1");
  EXPECT_EQ(field_of(question, "x-original-method"), "POST");
  EXPECT_EQ(field_of(question, "x-auth-request-redirect"), "/shop/7?x=1");
  EXPECT_EQ(field_of(question, "x-forwarded-host"), "shop.example");
  for (const char* name : {"content-length", "transfer-encoding", "if-none-match"})
    EXPECT_EQ(field_of(question, name), "") << name;
}

TEST(ExternalAuth, WhatItSaysOfClientsNobodyElseMaySay) {
  Recorder app;
  Authority auth(http_answer(200, ""));
  const std::string forged = "X-Auth-User: root\r\nx_auth_user: root\r\nAuthorization: mine\r\n";
  Gateway gateway(yaml_of(app.address(), auth.address(), "", ", http: {underscores: allow}"));
  const std::string at_shop = fetch(gateway.port(), asking(forged)).body;
  EXPECT_THAT(at_shop, Not(HasSubstr("root")));
  EXPECT_EQ(field_of(at_shop, "authorization"), "");
  const std::string elsewhere = fetch(gateway.port(), asking(forged, "/open")).body;
  EXPECT_THAT(elsewhere, Not(HasSubstr("root")));
  EXPECT_EQ(field_of(elsewhere, "authorization"), "mine");
  gateway.reload(yaml_of(app.address(), auth.address(), ", strip: route"));
  EXPECT_THAT(fetch(gateway.port(), asking(forged)).body, Not(HasSubstr("root")));
  EXPECT_THAT(fetch(gateway.port(), asking(forged, "/open")).body, HasSubstr("root"));
  HttpClient client(gateway.port());
  client.send(
      "POST /shop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nX-Auth-User: root\r\nX-Fine: yes\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_THAT(app.requests().back(), Not(HasSubstr("root")));
}

TEST(ExternalAuth, ANoIsTheAnswer) {
  Recorder app;
  Authority unknown(http_answer(401, "who?", "WWW-Authenticate: Digest x\r\nSet-Cookie: c=1\r\n"));
  Authority refuses(http_answer(403, "you?"));
  {
    Gateway gateway(yaml_of(app.address(), unknown.address()));
    const Reply reply = fetch(gateway.port(), asking());
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.field("www-authenticate"), "Digest x");
    EXPECT_EQ(reply.field("set-cookie"), "c=1");
  }
  const std::string signin = ", signin: 'https://$host/login?a=1'";
  {
    Gateway gateway(yaml_of(app.address(), unknown.address(), signin));
    const Reply reply = fetch(gateway.port(), asking());
    EXPECT_EQ(reply.status, 302);
    EXPECT_EQ(reply.field("location"),
              "https://shop.example/login?a=1&rd=http%3A%2F%2Fshop.example%2Fshop%2F7%3Fx%3D1");
    EXPECT_EQ(reply.field("set-cookie"), "c=1");
  }
  {
    Gateway gateway(
        yaml_of(app.address(), unknown.address(), ", signin: '/login?rd=$escaped_request_uri'"));
    EXPECT_EQ(fetch(gateway.port(), asking()).field("location"), "/login?rd=%2Fshop%2F7%3Fx%3D1");
  }
  {
    Gateway gateway(yaml_of(app.address(), refuses.address(), signin));
    EXPECT_EQ(fetch(gateway.port(), asking()).status, 403);
  }
  EXPECT_THAT(app.heads(), IsEmpty());
}

TEST(ExternalAuth, WithoutAVerdictNothingPasses) {
  Recorder app;
  ScriptedServer resets([](Peer& peer) {
    peer.read_request();
    peer.reset_at_end();
  });
  ScriptedServer waits([](Peer& peer) { peer.wait_for_close(); });
  ScriptedServer fails(always(http_answer(500, "")));
  ScriptedServer moved(always(http_answer(302, "", "Location: /x\r\n")));
  ScriptedServer cached(always("HTTP/1.1 304 Not Modified\r\n\r\n"));
  ScriptedServer switches(always("HTTP/1.1 101 Yes\r\nUpgrade: x\r\n\r\n"));
  ScriptedServer nonsense(always("HTTP/1.1 two hundred\r\n\r\n"));
  ScriptedServer cut([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012");
  });
  ScriptedServer half([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012");
    peer.wait_for_close();
  });
  ScriptedServer huge([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nX-Auth-User: " + std::string(200 * 1024, 'x') + "\r\n\r\n");
    peer.wait_for_close();
  });
  for (const std::string& auth :
       {std::string("127.0.0.1:1"), resets.address(), waits.address(), fails.address(),
        moved.address(), cached.address(), switches.address(), nonsense.address(), cut.address(),
        half.address(), huge.address()}) {
    Gateway gateway(yaml_of(app.address(), auth, ", timeout: 300ms"));
    HttpClient client(gateway.port());
    EXPECT_EQ(client.fetch(asking()).status, 503) << auth;
    EXPECT_EQ(client.fetch(asking("", "/open")).status, 200) << "the connection goes on";
  }
  EXPECT_THAT(app.heads(), SizeIs(11));
}

TEST(ExternalAuth, AnAnswersBodyIsNotReadForEver) {
  Recorder app;
  ScriptedServer floods([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("8\r\nxxxxxxxx\r\n")) {
    }
  });
  Gateway gateway(yaml_of(app.address(), floods.address(), ", timeout: 20s"));
  EXPECT_EQ(fetch(gateway.port(), asking()).status, 200);
}

/// Tells when a question came, and answers it when the test says.
class Slow {
 public:
  ~Slow() { release(); }
  void release() {
    if (!std::exchange(released_, true)) gate_.set_value();
  }
  void wait_for_questions(int count) const {
    while (asked_ < count) std::this_thread::yield();
  }
  ScriptedServer& server() { return server_; }

 private:
  void serve(Peer& peer) {
    while (peer.read_request()) {
      ++asked_;
      open_.wait();
      if (!peer.send(http_answer(200, "", "X-Auth-User: ann\r\n"))) return;
    }
  }

  std::promise<void> gate_;
  std::shared_future<void> open_ = gate_.get_future().share();
  bool released_ = false;
  std::atomic<int> asked_{0};
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

TEST(ExternalAuth, AClientThatLeavesTakesItsQuestionAlong) {
  Recorder app;
  std::promise<void> asked;
  ScriptedServer auth([&](Peer& peer) {
    peer.read_request();
    asked.set_value();
    peer.wait_for_close();
  });
  Gateway gateway(yaml_of(app.address(), auth.address(), ", timeout: 20s, max_lookups: 1"));
  {
    HttpClient client(gateway.port());
    client.send(asking());
    asked.get_future().get();
    EXPECT_EQ(fetch(gateway.port(), asking()).status, 503) << "as many as may be under way";
  }
  auth.wait_for_no_connections();
  EXPECT_THAT(app.heads(), IsEmpty());
}

TEST(ExternalAuth, AQuestionSurvivesAReloadThatTakesItsUpstreamAway) {
  Recorder app;
  Slow auth;
  Gateway gateway(yaml_of(app.address(), auth.server().address(), ", timeout: 20s"));
  HttpClient client(gateway.port());
  client.send(post("/shop", std::string(50'000, 'x'), "shop.example"));
  auth.wait_for_questions(1);
  gateway.reload(
      "version: 1\nlisteners: [{name: http, address: '127.0.0.1:0'}]\n"
      "upstreams: [{name: app, endpoints: [" +
      app.address() + "]}]\nroutes: [{name: shop, forward: app}]\n");
  auth.release();
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-auth-user"), "ann");
  EXPECT_GT(reply.body.size(), 50'000U);
}

TEST(ExternalAuth, RequestsOfOneKeyShareAnAnswer) {
  Recorder app;
  Authority auth(http_answer(200, "", "X-Auth-User: ann\r\n"));
  const std::string yaml =
      yaml_of(app.address(), auth.address(), ", cache_key: '$cookie_s$http_x_tenant'");
  Gateway gateway(yaml);
  const auto user = [&](const std::string& fields) {
    return field_of(fetch(gateway.port(), asking(fields)).body, "x-auth-user");
  };
  const std::string one = "Cookie: s=1\r\nX-Tenant: t\r\n";
  EXPECT_EQ(user(one), "ann");
  EXPECT_EQ(user(one + "X-Auth-User: root\r\n"), "ann");
  EXPECT_THAT(auth.questions(), SizeIs(1));
  gateway.reload(yaml + "  - {name: more, match: {path: /more}, forward: app}\n");
  EXPECT_EQ(user(one), "ann");
  EXPECT_THAT(auth.questions(), SizeIs(1)) << "answers outlive a reload";
  EXPECT_EQ(user("Cookie: s=1t\r\nX-Tenant: \r\n"), "ann");
  EXPECT_THAT(auth.questions(), SizeIs(2));
  for (int i = 0; i < 2; ++i) user("Cookie: s=1\r\n");
  EXPECT_THAT(auth.questions(), SizeIs(4)) << "a key with a hole in it is none";
  auth.server().stop();
  EXPECT_EQ(user(one), "ann");
  EXPECT_EQ(fetch(gateway.port(), asking("Cookie: s=2\r\nX-Tenant: t\r\n")).status, 503);
}

TEST(ExternalAuth, AnAnswerHoldsForItsHostAndRouteAlone) {
  Recorder app;
  Authority auth(http_answer(200, ""));
  Gateway gateway(yaml_of(app.address(), auth.address(), ", cache_key: $http_authorization") +
                  "  - name: till\n"
                  "    match: {path_prefix: /till}\n"
                  "    filters: [{type: external_auth, upstream: auth, path: /check, "
                  "response_headers: [X-Auth-User, Authorization], "
                  "cache_key: $http_authorization}]\n"
                  "    forward: app\n");
  const std::string fields = "Authorization: good\r\n";
  for (int i = 0; i < 2; ++i) fetch(gateway.port(), asking(fields));
  EXPECT_THAT(auth.questions(), SizeIs(1));
  for (int i = 0; i < 2; ++i) fetch(gateway.port(), asking(fields, "/till"));
  EXPECT_THAT(auth.questions(), SizeIs(2)) << "who may shop may not open the till";
  for (int i = 0; i < 2; ++i)
    fetch(gateway.port(), "GET /shop/7 HTTP/1.1\r\nHost: admin.example\r\n" + fields + "\r\n");
  EXPECT_THAT(auth.questions(), SizeIs(3));
}

TEST(ExternalAuth, OnlyGoodAnswersWithoutCookiesAreRemembered) {
  Recorder app;
  for (const std::string& answer :
       {http_answer(401, ""), http_answer(403, ""), http_answer(200, "", "Set-Cookie: s=2\r\n")}) {
    Authority auth(answer);
    Gateway gateway(yaml_of(app.address(), auth.address(), ", cache_key: $remote_addr"));
    for (int i = 0; i < 2; ++i) fetch(gateway.port(), asking());
    EXPECT_THAT(auth.questions(), SizeIs(2)) << answer;
  }
}

}  // namespace
}  // namespace gateway::test::external_auth_test
