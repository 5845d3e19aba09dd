#include "gateway/kubernetes/api_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>

#include "gateway/kubernetes/watch.h"
#include "support/scripted_server.h"
#include "support/temporary_folder.h"
#include "support/tls_server.h"
#include "unit/net/test_certificates.h"
#include "unit/runtime/turns.h"

/// The client and a watch on it against servers on loopback ports that do what the test says.
namespace gateway::kubernetes {
namespace {

using namespace std::chrono_literals;
using gateway::test::http_answer;
using gateway::test::Peer;
using gateway::test::ScriptedServer;
using gateway::test::TlsServer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// Answers each request in turn by what the test has laid out; the last one for ever.
class ApiServer {
 public:
  explicit ApiServer(std::deque<std::string> answers) : answers_(std::move(answers)) {}

  std::uint16_t port() const { return server_.port(); }
  int connections() const { return server_.connections(); }
  ScriptedServer& server() { return server_; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(Peer& peer) {
    while (const auto request = peer.read_request())
      if (!peer.send(next(*request))) return;
  }
  std::string next(const std::string& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    std::string answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    return answer;
  }

  std::mutex mutex_;
  std::deque<std::string> answers_;
  std::vector<std::string> requests_;
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

std::string chunk(const std::string& text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

/// A stream of chunks that has not ended.
std::string streamed(const std::string& text = {}) {
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
         (text.empty() ? "" : chunk(text));
}

std::string end_of_list(int version) {
  return R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" +
         std::to_string(version) +
         R"(","annotations":{"k8s.io/initial-events-end":"true"}}}})"
         "\n";
}

/// The descriptor of ours whose other end is this port of the loopback address.
int descriptor_towards(std::uint16_t port) {
  for (int fd = 3; fd < 256; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == htons(port))
      return fd;
  }
  return -1;
}

class Keeper final : public WatchSink {
 public:
  void on_replace(const std::vector<WatchedObject>& objects) override {
    ++replacements;
    set.clear();
    for (const WatchedObject& object : objects) set.emplace_back(object.json);
  }
  void on_upsert(const WatchedObject&) override { ++changes; }
  void on_delete(const WatchedObject&) override { ++changes; }
  int replacements = 0;
  int changes = 0;
  std::vector<std::string> set;
};

class ApiClientTest : public testing::Test {
 protected:
  ApiClientTest() { folder_.write("token", "first\n"); }
  // What a client leaves behind is freed at the end of a turn, before the TLS library.
  ~ApiClientTest() override {
    calls_.clear();
    client_.reset();
    loop_.run_once(0ms);
  }

  ClusterAccess plain(std::uint16_t port, const std::string& host = "127.0.0.1") const {
    ClusterAccess access;
    access.host = access.server_name = host;
    access.port = port;
    access.tls = false;
    access.token.file = folder_.path("token");
    return access;
  }
  ClusterAccess secure(std::uint16_t port) const {
    ClusterAccess access = plain(port);
    access.tls = true;
    access.server_name = "kubernetes";
    access.ca.file = folder_.path("ca.crt");
    return access;
  }
  void connect(const ClusterAccess& access) {
    auto made = ApiClient::make(loop_, library_, access, options_);
    ASSERT_TRUE(made) << made.error().detail;
    client_ = std::move(*made);
  }
  std::unique_ptr<TlsServer> tls_server(const net::TestAuthority& authority,
                                        std::string answer = http_answer(200, "ok")) const {
    const net::PemPair pair = authority.issue({"kubernetes"});
    return std::make_unique<TlsServer>(folder_.write("server.crt", pair.certificate),
                                       folder_.write("server.key", pair.key), std::move(answer));
  }

  /// Sends and waits: the status, or what went wrong.
  std::string ask(ApiRequest request = {.path_and_query = "/api/v1/things"}) {
    std::optional<std::string> outcome;
    const auto call = client_->send(std::move(request), [&](Result<ApiResponse> result) {
      outcome = result ? std::to_string(result->status) : result.error().to_string();
      if (result) last_ = *result;
    });
    EXPECT_FALSE(outcome) << "never from within";
    run_until(loop_, [&] { return outcome.has_value(); });
    return outcome.value_or("nothing");
  }

  EventLoop loop_;
  net::TlsLibrary library_;
  gateway::test::TemporaryFolder folder_;
  ApiClient::Options options_;
  std::unique_ptr<ApiClient> client_;
  std::vector<std::unique_ptr<ApiCall>> calls_;
  ApiResponse last_;
};

TEST_F(ApiClientTest, SendsAndKeepsItsConnection) {
  ApiServer server({http_answer(200, "{}"), http_answer(429, "slow", "Retry-After: 3\r\n")});
  ClusterAccess access = plain(server.port());
  access.base_path = "/clusters/one";
  connect(access);
  EXPECT_EQ(ask({.path_and_query = "/api/v1/things?limit=5"}), "200");
  EXPECT_EQ(last_.body, "{}");
  EXPECT_EQ(ask({.method = http::Method::patch,
                 .path_and_query = "/api/v1/things/a/status",
                 .body = R"({"a":1})",
                 .content_type = "application/merge-patch+json"}),
            "429");
  EXPECT_EQ(last_.retry_after, Duration(3s));
  EXPECT_EQ(last_.body, "slow");
  ASSERT_THAT(server.requests(), SizeIs(2));
  EXPECT_THAT(server.requests()[0], AllOf(HasSubstr("GET /clusters/one/api/v1/things?limit=5 HTTP"),
                                          HasSubstr("Authorization: Bearer first\r\n"),
                                          HasSubstr("Accept: application/json\r\n")));
  EXPECT_THAT(server.requests()[1],
              AllOf(HasSubstr("PATCH /clusters/one/api/v1/things/a/status HTTP"),
                    HasSubstr("Content-Type: application/merge-patch+json\r\n"),
                    HasSubstr("\r\n\r\n{\"a\":1}")));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ApiClientTest, ReadsTheTokenAgainAfterA401AndAsksOnceMore) {
  ApiServer server({http_answer(401, ""), http_answer(200, ""), http_answer(401, "")});
  connect(plain(server.port()));
  folder_.write("token", "second");
  EXPECT_EQ(ask(), "200");
  ASSERT_THAT(server.requests(), SizeIs(2));
  EXPECT_THAT(server.requests()[0], HasSubstr("Bearer first\r\n"));
  EXPECT_THAT(server.requests()[1], HasSubstr("Bearer second\r\n"));
  EXPECT_EQ(ask(), "401") << "the token is the one that was refused";
  EXPECT_THAT(server.requests(), SizeIs(3));
  folder_.write("token", "third");
  EXPECT_EQ(ask(), "401") << "once more, not for ever";
  EXPECT_THAT(server.requests(), SizeIs(5));
}

TEST_F(ApiClientTest, FollowsATokenThatIsRenewed) {
  ApiServer server({http_answer(200, "")});
  options_.refresh = 0s;
  connect(plain(server.port()));
  EXPECT_EQ(ask(), "200");
  folder_.write("token", "second");
  EXPECT_EQ(ask(), "200");
  EXPECT_THAT(server.requests()[1], HasSubstr("Bearer second\r\n"));
  std::filesystem::remove(folder_.path("token"));
  EXPECT_EQ(ask(), "200") << "what was good stays";
  EXPECT_THAT(client_->problem(), HasSubstr("token"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ApiClientTest, DoesNotReadFilesBeforeItsTime) {
  ApiServer server({http_answer(200, "")});
  connect(plain(server.port()));
  folder_.write("token", "second");
  EXPECT_EQ(ask(), "200");
  EXPECT_THAT(server.requests()[0], HasSubstr("Bearer first\r\n"));
}

TEST_F(ApiClientTest, NeedsFilesThatCanBeReadFromTheStart) {
  ClusterAccess access = plain(1);
  access.token.file = folder_.path("gone");
  const auto made = ApiClient::make(loop_, library_, access);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().detail, HasSubstr("gone"));
  access.token.file = folder_.write("bad", "one\ntwo");
  EXPECT_THAT(ApiClient::make(loop_, library_, access).error().detail,
              AllOf(HasSubstr("more than one token"), Not(HasSubstr("two"))));
}

TEST_F(ApiClientTest, BoundsAnswersAndTime) {
  ApiServer large({http_answer(200, std::string(5000, 'x'))});
  connect(plain(large.port()));
  EXPECT_THAT(ask({.path_and_query = "/", .max_response = 4999}), HasSubstr("larger than 4999"));
  EXPECT_EQ(ask({.path_and_query = "/", .max_response = 5000}), "200");

  ScriptedServer slow([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    peer.wait_for_close();
  });
  client_.reset();
  connect(plain(slow.port()));
  EXPECT_THAT(ask({.path_and_query = "/", .deadline = 60ms}), HasSubstr("upstream_timeout"));
}

TEST_F(ApiClientTest, SaysWhoCouldNotBeReached) {
  ScriptedServer server([](Peer&) {});
  const ClusterAccess access = plain(server.port());
  server.stop();
  connect(access);
  EXPECT_THAT(ask(), AllOf(HasSubstr("connect_failed"), HasSubstr(access.server())));
}

TEST_F(ApiClientTest, ACallThatIsDroppedIsHeardOfNoMore) {
  ApiServer server({http_answer(200, "")});
  connect(plain(server.port()));
  bool heard = false;
  client_->send({.path_and_query = "/a"}, [&](const Result<ApiResponse>&) { heard = true; });
  EXPECT_EQ(ask(), "200");
  EXPECT_FALSE(heard);
}

TEST_F(ApiClientTest, FindsAServerByItsName) {
  ApiServer server({http_answer(200, "")});
  connect(plain(server.port(), "localhost"));
  EXPECT_EQ(ask(), "200") << "waits for the name";
  EXPECT_THAT(server.requests()[0], HasSubstr("Host: localhost:"));
}

// A server that was cut off says nothing more, and a stream would wait for it.
TEST_F(ApiClientTest, ItsConnectionsNoticeThatTheServerIsLost) {
  ApiServer server({http_answer(200, "")});
  connect(plain(server.port()));
  EXPECT_EQ(ask(), "200");
  const int fd = descriptor_towards(server.port());
  ASSERT_GE(fd, 0);
  int milliseconds = 0;
  socklen_t size = sizeof milliseconds;
  ::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, &size);
  EXPECT_EQ(milliseconds, 30'000);
}

TEST_F(ApiClientTest, VerifiesTheServerAndFollowsANewAuthority) {
  const net::TestAuthority before;
  const net::TestAuthority after;
  const auto server = tls_server(after);
  folder_.write("ca.crt", before.certificate());
  connect(secure(server->port()));
  EXPECT_THAT(ask(), HasSubstr("upstream_tls"));
  EXPECT_THAT(server->requests(), IsEmpty());
  folder_.write("ca.crt", after.certificate());
  EXPECT_THAT(ask(), HasSubstr("upstream_tls")) << "the failed handshake made it look again";
  EXPECT_EQ(ask(), "200");
  EXPECT_THAT(server->names(), ElementsAre("kubernetes"));
  EXPECT_THAT(server->requests()[0], HasSubstr("Bearer first"));
  EXPECT_EQ(ask(), "200");
  EXPECT_THAT(server->names(), SizeIs(1)) << "equal files leave the connection alone";
}

TEST_F(ApiClientTest, AnotherNameIsRefused) {
  const net::TestAuthority authority;
  const auto server = tls_server(authority);
  ClusterAccess access = secure(server->port());
  access.server_name = "elsewhere";
  access.ca = {{}, authority.certificate(), "certificate-authority-data"};
  connect(access);
  EXPECT_THAT(ask(), HasSubstr("upstream_tls"));
  EXPECT_THAT(server->requests(), IsEmpty());
}

TEST_F(ApiClientTest, TakesCertificatesThatAreHeldInMemory) {
  const net::TestAuthority authority;
  const auto server = tls_server(authority);
  const net::PemPair pair = authority.issue({"gateway"});
  ClusterAccess access = secure(server->port());
  access.ca = {{}, authority.certificate(), "certificate-authority-data"};
  access.certificate = {{}, pair.certificate, "client-certificate-data"};
  access.key = {{}, pair.key, "client-key-data"};
  connect(access);
  EXPECT_EQ(ask(), "200");
  access.key.text = authority.issue({"other"}).key;
  const auto made = ApiClient::make(loop_, library_, access);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().detail, HasSubstr("client-certificate-data"));
}

TEST_F(ApiClientTest, AWatchFollowsOverTheNetworkAndLeavesASilentConnection) {
  ApiServer server({streamed(R"({"type":"ADDED","object":{"metadata":{"name":"a",)"
                             R"("resourceVersion":"5"}}})"
                             "\n" +
                             end_of_list(6)),
                    streamed()});
  options_.silence = 100ms;
  connect(plain(server.port()));
  Keeper keeper;
  Watch watch(loop_.timers(), loop_.random(), *client_, {"/api/v1/things", {}, {}}, keeper);
  watch.start();
  ASSERT_TRUE(run_until(loop_, [&] { return watch.synced(); }));
  EXPECT_THAT(keeper.set, SizeIs(1));
  ASSERT_TRUE(run_until(loop_, [&] { return server.requests().size() == 2; }));
  EXPECT_THAT(server.requests()[1], HasSubstr("?watch=true&resourceVersion=6&"));
  EXPECT_EQ(watch.counters().errors, 1U);
  EXPECT_THAT(server.requests()[1], HasSubstr("Bearer first"));
}

TEST_F(ApiClientTest, AStreamOverTlsIsReadAsItComes) {
  const std::string change = R"({"type":"MODIFIED","object":{"metadata":{"name":"a",)"
                             R"("resourceVersion":"7"},"data":")" +
                             std::string(20'000, 'x') + "\"}}\n";
  std::string answer = streamed(end_of_list(6));
  constexpr int kChanges = 500;  // ten megabytes, of chunks that respect no event's end
  std::string rest;
  for (int i = 0; i < kChanges; ++i) rest += change;
  for (std::size_t at = 0; at < rest.size(); at += 30'011) answer += chunk(rest.substr(at, 30'011));
  const net::TestAuthority authority;
  const auto server = tls_server(authority, answer);
  folder_.write("ca.crt", authority.certificate());
  connect(secure(server->port()));
  Keeper keeper;
  WatchOptions options;
  options.max_object = 2 * change.size();
  Watch watch(loop_.timers(), loop_.random(), *client_, {"/api/v1/things", {}, {}}, keeper,
              options);
  watch.start();
  ASSERT_TRUE(run_until(loop_, [&] { return keeper.changes == kChanges; }));
  EXPECT_EQ(watch.problem(), "");
  EXPECT_EQ(watch.version(), "7");
}

TEST_F(ApiClientTest, EverythingMayEndInTheMiddleOfAStream) {
  std::string event = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}})"
                      "\n";
  const std::string half = event.substr(0, event.size() / 2);
  const net::TestAuthority authority;
  const auto server = tls_server(authority, streamed(end_of_list(4) + event + half));
  folder_.write("ca.crt", authority.certificate());
  for (int i = 0; i < 3; ++i) {
    connect(secure(server->port()));
    Keeper keeper;
    Watch watch(loop_.timers(), loop_.random(), *client_, {"/api/v1/things", {}, {}}, keeper);
    Watch beside(loop_.timers(), loop_.random(), *client_, {"/api/v1/others", {}, {}}, keeper);
    watch.start();
    ASSERT_TRUE(run_until(loop_, [&] { return keeper.changes == 1; }));
    beside.start();  // its connection is not made yet
    calls_.push_back(client_->send({.path_and_query = "/"}, [](const Result<ApiResponse>&) {
      ADD_FAILURE() << "it was called off";
    }));
    calls_.clear();
    watch.stop();
    beside.stop();
    client_.reset();
    loop_.run_once(0ms);
  }
  EXPECT_THAT(server->requests(), SizeIs(3));
}

TEST_F(ApiClientTest, AWatchSurvivesARestartOfItsServer) {
  ApiServer server(
      {http_answer(422, "{}"),
       http_answer(200,
                   R"({"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}}]})"),
       streamed()});
  connect(plain(server.port()));
  Keeper keeper;
  Watch watch(loop_.timers(), loop_.random(), *client_, {"/api/v1/things", {}, {}}, keeper);
  watch.start();
  ASSERT_TRUE(run_until(loop_, [&] { return server.requests().size() == 3; }));
  server.server().stop();
  ASSERT_TRUE(run_until(loop_, [&] { return watch.counters().errors >= 1; }));
  server.server().start();
  ASSERT_TRUE(run_until(loop_, [&] { return server.requests().size() == 4; }));
  EXPECT_THAT(server.requests()[3], HasSubstr("resourceVersion=7"));
  EXPECT_EQ(keeper.replacements, 1);
}

}  // namespace
}  // namespace gateway::kubernetes
