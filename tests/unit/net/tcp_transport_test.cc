#include <gtest/gtest.h>

#include "tests/unit/net/owner.h"
#include "tests/unit/net/sockets.h"
#include "tests/unit/runtime/turns.h"

namespace gateway::net {
namespace {

using namespace std::chrono_literals;

/// A server transport of the test and the client's end of its connection.
class TcpTransportTest : public testing::Test {
 protected:
  TcpTransportTest() : client_(loopback_.dial()) {
    server_ = make_tcp_transport(loop_, loopback_.accept(), local_address(client_),
                                 loopback_.address(), owner_);
  }
  ~TcpTransportTest() override { ::close(client_); }

  void say(std::string_view text) {
    ASSERT_EQ(::send(client_, text.data(), text.size(), 0), ssize_t(text.size()));
  }
  std::string hear(std::size_t size) {
    std::string text(size, '\0');
    const ssize_t count = ::recv(client_, text.data(), size, MSG_WAITALL);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  bool until(const std::function<bool()>& done) { return run_until(loop_, done); }

  EventLoop loop_;
  Loopback loopback_;
  int client_;
  RecordingOwner owner_;
  std::unique_ptr<Transport> server_;
};

TEST_F(TcpTransportTest, DeliversAndAnswers) {
  EXPECT_EQ(owner_.opened, 0) << "never from inside the call that makes it";
  say("hello");
  ASSERT_TRUE(until([&] { return owner_.received == "hello"; }));
  EXPECT_EQ(owner_.opened, 1);
  const iovec pieces[] = {{const_cast<char*>("good "), 5}, {const_cast<char*>("day"), 3}};
  server_->write(pieces);
  EXPECT_EQ(hear(8), "good day");
  EXPECT_EQ(server_->bytes_read(), 5U);
  EXPECT_EQ(server_->bytes_written(), 8U);
  EXPECT_FALSE(server_->facts().is_tls);
}

TEST_F(TcpTransportTest, TellsEndOfStreamOnceAndCanStillWrite) {
  say("bye");
  ::shutdown(client_, SHUT_WR);
  ASSERT_TRUE(until([&] { return owner_.eofs == 1; }));
  EXPECT_EQ(owner_.received, "bye");
  server_->write("so long");
  server_->shutdown_write();
  EXPECT_EQ(hear(100), "so long");
  loop_.run_once(0ms);
  EXPECT_EQ(owner_.eofs, 1);
  EXPECT_TRUE(owner_.errors.empty());
}

TEST_F(TcpTransportTest, QueuesWhatTheSystemDoesNotTakeAndTellsWhenItIsGone) {
  ASSERT_TRUE(until([&] { return owner_.opened == 1; }));
  const std::string large(32 << 20, 'x');
  server_->write(large);
  server_->write("end");
  ASSERT_GT(server_->queued(), 0U);
  server_->shutdown_write();
  std::string got;
  char piece[1 << 16];
  ASSERT_TRUE(until([&] {
    for (ssize_t count; (count = ::recv(client_, piece, sizeof piece, MSG_DONTWAIT)) > 0;)
      got.append(piece, static_cast<std::size_t>(count));
    return got.size() == large.size() + 3;
  }));
  EXPECT_TRUE(got.ends_with("xend"));
  ASSERT_TRUE(until([&] { return owner_.drained == 1; }));
  EXPECT_EQ(server_->queued(), 0U);
  EXPECT_EQ(::recv(client_, piece, 1, 0), 0) << "FIN after the queue";
}

TEST_F(TcpTransportTest, StopsReadingUntilAsked) {
  ASSERT_TRUE(until([&] { return owner_.opened == 1; }));
  server_->read_stop();
  say("later");
  for (int turn = 0; turn < 3; ++turn) loop_.run_once(1ms);
  EXPECT_EQ(owner_.received, "");
  server_->read_start();
  EXPECT_TRUE(until([&] { return owner_.received == "later"; }));
}

TEST_F(TcpTransportTest, CanBeClosedInsideAnUpcall) {
  owner_.when_read = [&](std::string_view) { server_->close(); };
  say("x");
  ASSERT_TRUE(until([&] { return server_->closed(); }));
  server_->close();
  server_->write("into the void");
  loop_.run_once(0ms);
  EXPECT_TRUE(owner_.errors.empty());
  char byte;
  EXPECT_EQ(::recv(client_, &byte, 1, 0), 0);
}

TEST_F(TcpTransportTest, BytesBeforeAResetAreDelivered) {
  ASSERT_TRUE(until([&] { return owner_.opened == 1; }));
  server_->read_stop();
  say("last words");
  const linger hard{1, 0};
  ::setsockopt(client_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(client_);
  client_ = -1;
  server_->read_start();
  ASSERT_TRUE(until([&] { return owner_.failed_with(ErrorCode::client_closed); }));
  EXPECT_EQ(owner_.received, "last words");
}

TEST_F(TcpTransportTest, AWriteToAClosedPeerIsToldLater) {
  ASSERT_TRUE(until([&] { return owner_.opened == 1; }));
  server_->read_stop();
  const linger hard{1, 0};
  ::setsockopt(client_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(client_);
  client_ = -1;
  server_->write("one");
  EXPECT_TRUE(owner_.errors.empty()) << "never from inside a call of the owner";
  EXPECT_TRUE(until([&] { return owner_.failed_with(ErrorCode::client_closed); }));
}

TEST_F(TcpTransportTest, EarlyBytesComeFirst) {
  const int client = loopback_.dial();
  RecordingOwner owner;
  const auto server = make_tcp_transport(loop_, loopback_.accept(), local_address(client),
                                         loopback_.address(), owner, "GET ");
  EXPECT_EQ(owner.received, "");
  ASSERT_EQ(::send(client, "/", 1, 0), 1);
  EXPECT_TRUE(until([&] { return owner.received == "GET /"; }));
  ::close(client);
}

TEST_F(TcpTransportTest, ConnectsAndTalks) {
  RecordingOwner owner;
  const auto client = connect_transport(loop_, loopback_.address(), 5s, nullptr, "", owner);
  EXPECT_EQ(owner.opened, 0);
  ASSERT_TRUE(until([&] { return owner.opened == 1; }));
  client->write("ping");
  const int server = loopback_.accept();
  char text[4];
  ASSERT_TRUE(until([&] { return ::recv(server, text, 4, 0) == 4; }));
  EXPECT_EQ(std::string_view(text, 4), "ping");
  ::close(server);
  EXPECT_TRUE(until([&] { return owner.eofs == 1; }));
}

/// The descriptor of ours, but for one, whose other end is `peer`.
int descriptor_towards(const SocketAddress& peer, int but_for) {
  for (int fd = 3; fd < 256; ++fd) {
    if (fd == but_for) continue;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) continue;
    if (SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage)) == peer) return fd;
  }
  return -1;
}

TEST_F(TcpTransportTest, CanBeToldToNoticeThatThePeerIsLost) {
  RecordingOwner owner;
  const auto client = connect_transport(loop_, loopback_.address(), 5s, nullptr, "", owner);
  client->notice_loss(30s);
  ASSERT_TRUE(until([&] { return owner.opened == 1; }));
  const int fd = descriptor_towards(loopback_.address(), client_);
  ASSERT_GE(fd, 0);
  const auto option = [fd](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
  };
  EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 30'000);
  EXPECT_LE(option(IPPROTO_TCP, TCP_KEEPIDLE) + 3 * option(IPPROTO_TCP, TCP_KEEPINTVL), 30);
}

TEST_F(TcpTransportTest, ARefusedConnectionIsTold) {
  SocketAddress nobody;
  {
    const Loopback gone;
    nobody = gone.address();
  }
  RecordingOwner owner;
  const auto client = connect_transport(loop_, nobody, 5s, nullptr, "", owner);
  EXPECT_TRUE(owner.errors.empty());
  ASSERT_TRUE(until([&] { return owner.failed_with(ErrorCode::connect_failed); }));
  EXPECT_TRUE(owner.errors[0].retriable);
  EXPECT_EQ(owner.errors[0].side, Side::upstream);
}

TEST_F(TcpTransportTest, ConnectingHasABound) {
  // A full accept queue leaves the next SYN unanswered.
  const int full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage;
  const socklen_t size = SocketAddress(IpAddress::v4(INADDR_LOOPBACK), 0).to_sockaddr(storage);
  ASSERT_EQ(::bind(full, reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  const SocketAddress address = local_address(full);
  std::vector<std::unique_ptr<RecordingOwner>> owners;
  std::vector<std::unique_ptr<Transport>> clients;
  for (int i = 0; i < 4; ++i) {
    owners.push_back(std::make_unique<RecordingOwner>());
    clients.push_back(connect_transport(loop_, address, 200ms, nullptr, "", *owners.back()));
  }
  EXPECT_TRUE(until([&] { return owners.back()->failed_with(ErrorCode::connect_timeout); }));
  ::close(full);
}

}  // namespace
}  // namespace gateway::net
