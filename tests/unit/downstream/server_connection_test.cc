#include "gateway/downstream/server_connection.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>

#include "gateway/downstream/local_reply.h"

/// What a client's connection does with bytes that come in a strange order, too fast, too slowly or
/// not at all. The client is the other end of a pair of sockets; one thread plays both sides.
namespace gateway::downstream {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Hears everything and does nothing.
class Silent final : public Exchange {
 public:
  void on_request_body(std::string_view) override {}
  void on_request_trailers(http::HeaderList&) override {}
  void on_request_end() override {}
  void on_request_failed(const Error&) override {}
  void on_writable() override {}
  void on_abort(const Error&) override {}
};

class TestHandler final : public Handler {
 public:
  std::unique_ptr<Exchange> begin(Stream& stream) override {
    ++begun;
    last = &stream;
    if (on_head) on_head(stream);
    return std::make_unique<Silent>();
  }
  void on_refused(const ConnectionFacts&, const Error&) override {}

  std::function<void(Stream&)> on_head;
  Stream* last = nullptr;
  int begun = 0;
};

class ServerConnectionTest : public ::testing::Test {
 protected:
  ~ServerConnectionTest() override {
    listener_.close_all();
    loop_.run_once(milliseconds(0));
    if (client_ >= 0) ::close(client_);
  }

  void connect() {
    listener_.configure(settings_);
    listener_.handler = &handler_;
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    client_ = pair[1];
    ServerConnection::accept(loop_, listener_, pair[0], SocketAddress(), SocketAddress(), false,
                             nullptr);
  }
  void answer_at_once(std::string body) {
    handler_.on_head = [body = std::move(body)](Stream& stream) {
      send_text(stream, 200, "text/plain", body);
    };
  }

  /// As much as the system takes; false: the other end is closed.
  bool send(std::string_view& bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void send_all(std::string_view bytes) {
    send(bytes);
    ASSERT_TRUE(bytes.empty());
  }
  /// What is there now.
  void receive() {
    char bytes[65536];
    ssize_t count;
    while ((count = ::recv(client_, bytes, sizeof bytes, 0)) > 0)
      received_.append(bytes, static_cast<std::size_t>(count));
    if (count == 0) ended_ = true;
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) loop_.run_once(milliseconds(5));
  }
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      loop_.run_once(milliseconds(20));
      if (reads_) receive();
    }
    return true;
  }
  void pass(Duration time) {
    struct {
      void end() { over = true; }
      bool over = false;
    } bell;
    Timer timer(Callback<>::bind<&decltype(bell)::end>(&bell));
    timer.arm(loop_.timers(), time);
    ASSERT_TRUE(run_until([&bell] { return bell.over; }));
  }

  EventLoop loop_;
  config::Listener settings_;
  ListenerState listener_;
  TestHandler handler_;
  int client_ = -1;
  std::string received_;
  bool ended_ = false;
  bool reads_ = true;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(ServerConnectionTest, WhoTakesNoAnswersIsReadNoFurther) {
  answer_at_once(std::string(1000, 'x'));
  connect();
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nX-Pad: " + std::string(300, 'x') + "\r\n\r\n";
  constexpr int kRequests = 3000;
  std::string flood;
  for (int i = 0; i < kRequests; ++i) flood += request;
  std::string_view left = flood;
  int most = 0;
  for (int quiet = 0; quiet < 50 && handler_.begun < kRequests;) {
    const int before = handler_.begun;
    ASSERT_TRUE(send(left));
    loop_.run_once(milliseconds(5));
    most = std::max(most, handler_.begun - before);
    quiet = handler_.begun == before ? quiet + 1 : 0;
  }
  // A turn of the loop may end twice within one call.
  EXPECT_LE(most, 256);
  EXPECT_LT(handler_.begun, 1000) << "the answers of which wait in memory";
  EXPECT_GT(left.size(), 0U);
  // Nothing is lost: once the client reads, all is answered.
  EXPECT_TRUE(run_until([&] {
    send(left);
    return handler_.begun == kRequests;
  }));
}

// RFC 9112 §2.2 allows an empty line before a request; one that nothing follows is silence.
TEST_F(ServerConnectionTest, SilenceAfterAFullTurnEndsAsAnyOther) {
  settings_.http.idle_timeout = milliseconds(200);
  answer_at_once("ok");
  connect();
  std::string flood;
  for (int i = 0; i < 128; ++i) flood += kGet;
  send_all(flood + "\r\n");
  EXPECT_TRUE(run_until([&] { return ended_; }));
  EXPECT_EQ(handler_.begun, 128);
}

TEST_F(ServerConnectionTest, EachPipelinedHeadHasTheTimeOfAHead) {
  settings_.http.header_timeout = milliseconds(500);
  answer_at_once("ok");
  connect();
  send_all("GET / HTTP/1.1\r\nHost: a\r\n");
  turns(3);
  send_all("\r\nGET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(run_until([&] { return ended_; }));
  EXPECT_EQ(handler_.begun, 1);
  EXPECT_THAT(received_, HasSubstr("HTTP/1.1 408 "));
}

TEST_F(ServerConnectionTest, TheRestOfAPausedBodyIsReadAfterAnEarlyAnswer) {
  handler_.on_head = [](Stream& stream) { stream.pause_body(); };
  connect();
  send_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(10, 'x'));
  ASSERT_TRUE(run_until([&] { return handler_.begun == 1; }));
  send_text(*handler_.last, 401, "text/plain", "no");
  answer_at_once("next");
  send_all(std::string(990, 'x') + kGet);
  EXPECT_TRUE(run_until([&] { return handler_.begun == 2; }));
  EXPECT_TRUE(run_until([&] { return received_.ends_with("next"); }));
}

// Longer than a connection lingers that has nothing left to send.
TEST_F(ServerConnectionTest, ASlowReaderGetsTheWholeLastAnswer) {
  const std::string body(2 << 20, 'x');
  answer_at_once(body);
  connect();
  send_all("GET / HTTP/1.0\r\n\r\n");
  reads_ = false;
  pass(milliseconds(2500));
  reads_ = true;
  EXPECT_TRUE(run_until([&] { return ended_; }));
  EXPECT_THAT(received_, EndsWith(body));
}

TEST_F(ServerConnectionTest, AClientThatHalfClosesGetsTheWholeAnswer) {
  const std::string body(2 << 20, 'x');
  answer_at_once(body);
  connect();
  send_all(kGet);
  reads_ = false;
  ASSERT_TRUE(run_until([&] { return handler_.begun == 1; }));
  ::shutdown(client_, SHUT_WR);
  turns(5);
  reads_ = true;
  EXPECT_TRUE(run_until([&] { return ended_; }));
  EXPECT_THAT(received_, EndsWith(body));
}

// Longer than a body is given before its rate is judged.
TEST_F(ServerConnectionTest, WhoWaitsForContinueIsNotTooSlow) {
  connect();
  send_all("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  pass(milliseconds(5500));
  EXPECT_EQ(received_, "");
  handler_.last->send_continue();
  ASSERT_TRUE(run_until([&] { return received_.ends_with("100 Continue\r\n\r\n"); }));
  send_all("body");
  turns(3);
  send_text(*handler_.last, 200, "text/plain", "ok");
  EXPECT_TRUE(run_until([&] { return received_.ends_with("ok"); }));
}

TEST_F(ServerConnectionTest, ARefusedUploadMayGoOnUntilTheRefusalIsRead) {
  settings_.http.max_body = config::Size{1000};
  connect();
  const std::string upload =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + std::string(4'000'000, 'x');
  std::string_view left = upload;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(send(left)) << "closed after " << upload.size() - left.size();
    loop_.run_once(milliseconds(5));
  }
  EXPECT_GT(upload.size() - left.size(), 300'000U);
  receive();
  EXPECT_THAT(received_, StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(ended_);
}

TEST_F(ServerConnectionTest, ConnectIsToldWhatIsAllowed) {
  connect();
  send_all("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(run_until([&] { return ended_; }));
  EXPECT_THAT(received_, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(received_, HasSubstr("\r\nAllow: GET, HEAD, POST,"));
}

TEST_F(ServerConnectionTest, BodiesThatAreNotSentAreNotCounted) {
  std::size_t sent = 99;
  handler_.on_head = [&sent](Stream& stream) { sent = send_text(stream, 200, "text/plain", "ok"); };
  connect();
  send_all("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return handler_.begun == 1; }));
  EXPECT_EQ(sent, 0U);
  send_all(kGet);
  ASSERT_TRUE(run_until([&] { return handler_.begun == 2; }));
  EXPECT_EQ(sent, 2U);
}

}  // namespace
}  // namespace gateway::downstream
