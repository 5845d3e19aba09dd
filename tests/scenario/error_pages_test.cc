#include <gmock/gmock.h>

#include <future>

#include "scenario/gateway.h"
#include "support/http_client.h"
#include "support/recorder.h"

/// What error_pages replaces, and what a client gets when that fails.
namespace gateway::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string yaml_of(const std::string& app, const std::string& pages,
                    const std::string& options = "") {
  return "version: 1\n"
         "listeners: [{name: http, address: '127.0.0.1:0'}]\n"
         "upstreams:\n"
         "  - {name: app, endpoints: [" +
         app +
         "], retries: {attempts: 0}}\n"
         "  - {name: pages, private: true, endpoints: [" +
         pages +
         "], retries: {attempts: 0}}\n"
         "routes:\n"
         "  - name: jobs\n"
         "    filters:\n"
         "      - {type: request_id}\n"
         "      - {type: error_pages, codes: [404, 500, 503], upstream: pages" +
         options +
         "}\n"
         "      - {type: header_edits, response: {add: {X-Edited: once}}}\n"
         "    rewrite: {path: /inside}\n"
         "    forward: app\n";
}

std::string asking(const std::string& method = "GET", const std::string& fields = "") {
  return method + " /jobs/7?x=1 HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\n" + fields +
         "Authorization: Bearer secret\r\n\r\n";
}

TEST(ErrorPages, AnotherUpstreamAnswersInstead) {
  ScriptedServer app(always(http_answer(404, "the stack trace", "X-Inside: yes\r\n")));
  Recorder pages;
  Gateway gateway(yaml_of(app.address(), pages.address(), ", headers: {X-Namespace: shop}"));
  const Reply reply = fetch(gateway.port(), asking());
  EXPECT_EQ(reply.status, 200) << "its own status";
  EXPECT_TRUE(reply.complete);
  EXPECT_THAT(reply.head + reply.body, Not(HasSubstr("stack trace")));
  EXPECT_EQ(reply.field("x-inside"), "");
  EXPECT_EQ(reply.field("x-edited"), "once");
  EXPECT_THAT(reply.body, HasSubstr("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(field_of(reply.body, "x-code"), "404");
  EXPECT_EQ(field_of(reply.body, "x-format"), "text/html");
  EXPECT_EQ(field_of(reply.body, "x-original-uri"), "/jobs/7?x=1");
  EXPECT_EQ(field_of(reply.body, "x-namespace"), "shop");
  EXPECT_EQ(field_of(reply.body, "host"), "shop.example");
  EXPECT_EQ(field_of(reply.body, "x-request-id"), reply.field("x-request-id"));
  EXPECT_THAT(reply.body, Not(HasSubstr("secret")));
}

TEST(ErrorPages, OtherStatusesPass) {
  ScriptedServer app(always(http_answer(403, "no")));
  Recorder pages;
  Gateway gateway(yaml_of(app.address(), pages.address()));
  const Reply reply = fetch(gateway.port(), asking());
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.body, "no");
  EXPECT_THAT(pages.heads(), IsEmpty());
}

TEST(ErrorPages, AnswersMayStayWhereOnlyTheirAbsenceIsReplaced) {
  ScriptedServer app(always(http_answer(503, "my own page")));
  Recorder pages;
  Gateway gateway(yaml_of(app.address(), pages.address(), ", answers: false"));
  EXPECT_EQ(fetch(gateway.port(), asking()).body, "my own page");
  EXPECT_THAT(pages.heads(), IsEmpty());
  gateway.reload(yaml_of("127.0.0.1:1", pages.address(), ", answers: false"));
  const Reply reply = fetch(gateway.port(), asking());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-code"), "503");
}

TEST(ErrorPages, AHeadHasNoBody) {
  ScriptedServer app([](Peer& peer) {
    while (peer.read_request())
      if (!peer.send("HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n")) return;
  });
  ScriptedServer pages([](Peer& peer) {
    while (const auto request = peer.read_request())
      if (!peer.send(request->starts_with("HEAD ") ? "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\n"
                                                   : http_answer(500, "wrong")))
        return;
  });
  Gateway gateway(yaml_of(app.address(), pages.address()));
  HttpClient client(gateway.port());
  for (int i = 0; i < 2; ++i) {
    client.send(asking("HEAD"));
    const Reply reply = client.read_reply(true);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.field("content-length"), "5");
  }
}

TEST(ErrorPages, WithoutTheirUpstreamTheStatusStays) {
  ScriptedServer app(always(http_answer(500, "the stack trace")));
  ScriptedServer resets([](Peer& peer) {
    peer.read_request();
    peer.reset_at_end();
  });
  ScriptedServer waits([](Peer& peer) { peer.wait_for_close(); });
  ScriptedServer nonsense(always("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"));
  ScriptedServer switches(always("HTTP/1.1 101 Yes\r\nUpgrade: x\r\n\r\n"));
  ScriptedServer huge([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nX-Big: " + std::string(200 * 1024, 'x') + "\r\n\r\n");
    peer.wait_for_close();
  });
  for (const std::string& pages : {std::string("127.0.0.1:1"), resets.address(), waits.address(),
                                   nonsense.address(), switches.address(), huge.address()}) {
    Gateway gateway(yaml_of(app.address(), pages, ", timeout: 300ms"));
    HttpClient client(gateway.port());
    const Reply reply = client.fetch(asking());
    EXPECT_EQ(reply.status, 500) << pages;
    EXPECT_EQ(reply.body.find("The service answered with an error."), 0U) << reply.body;
    EXPECT_EQ(client.fetch(asking()).status, 500) << "the connection goes on";
  }
}

TEST(ErrorPages, AnUpstreamThatIsGoneHasAPageToo) {
  Recorder pages;
  Gateway gateway(yaml_of("127.0.0.1:1", pages.address()));
  const Reply reply = fetch(gateway.port(), asking());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-code"), "503");
}

TEST(ErrorPages, ARequestThatIsStillComingIsNotMixedIn) {
  ScriptedServer app([](Peer& peer) {
    peer.socket().read_until("\r\n\r\n");
    peer.send(http_answer(503, "early"));
    peer.wait_for_close();
  });
  Recorder pages;
  Gateway gateway(yaml_of(app.address(), pages.address()));
  HttpClient client(gateway.port());
  client.send("POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(field_of(reply.body, "x-code"), "503");
  client.send("56789");
  EXPECT_THAT(pages.requests(), ::testing::Each(Not(HasSubstr("01234"))));
}

TEST(ErrorPages, AClientThatLeavesMeanwhileIsLetGo) {
  ScriptedServer app(always(http_answer(404, "no")));
  std::promise<void> asked;
  ScriptedServer pages([&](Peer& peer) {
    peer.read_request();
    asked.set_value();
    peer.wait_for_close();
  });
  Gateway gateway(yaml_of(app.address(), pages.address(), ", timeout: 20s"));
  {
    HttpClient client(gateway.port());
    client.send(asking());
    asked.get_future().get();
  }
  pages.wait_for_no_connections();
}

}  // namespace
}  // namespace gateway::test
