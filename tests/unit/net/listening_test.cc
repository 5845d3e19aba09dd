#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "gateway/net/acceptor.h"
#include "gateway/net/listen_socket.h"
#include "tests/unit/net/sockets.h"
#include "tests/unit/runtime/turns.h"

namespace gateway::net {
namespace {

using namespace std::chrono_literals;

const SocketAddress kAnyLoopbackPort(IpAddress::v4(INADDR_LOOPBACK), 0);

int dial(const SocketAddress& address) {
  sockaddr_storage storage;
  const socklen_t size = address.to_sockaddr(storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0) return fd;
  ::close(fd);
  return -1;
}

TEST(ListenSocketTest, OnePerWorkerOnOnePort) {
  const auto sockets = ListenSocket::open(kAnyLoopbackPort, 3, 64);
  ASSERT_TRUE(sockets) << sockets.error().to_string();
  ASSERT_EQ(sockets->size(), 3U);
  const SocketAddress address = sockets->front()->address();
  EXPECT_NE(address.port(), 0);
  EXPECT_EQ(sockets->back()->address(), address);
  std::vector<int> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(dial(address));
  for (const auto& socket : *sockets) {
    const int fd = ::accept4(socket->fd(), nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(fd, 0) << "the kernel spreads connections over all";
    ::close(fd);
  }
  for (const int fd : clients) ::close(fd);
}

TEST(ListenSocketTest, ASecondGatewayIsRefused) {
  const auto first = ListenSocket::open(kAnyLoopbackPort, 2, 64);
  ASSERT_TRUE(first);
  const SocketAddress address = first->front()->address();
  const auto second = ListenSocket::open(address, 2, 64);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::address_in_use);
  EXPECT_NE(second.error().detail.find(address.to_string()), std::string::npos);
}

TEST(ListenSocketTest, APortThatWasGivenUpIsFreeAtOnce) {
  auto first = ListenSocket::open(kAnyLoopbackPort, 2, 64);
  ASSERT_TRUE(first);
  const SocketAddress address = first->front()->address();
  const int client = dial(address);  // leaves a connection behind
  const int accepted = ::accept(first->front()->fd(), nullptr, nullptr);
  ::close(accepted);
  ::close(client);
  first->clear();
  EXPECT_TRUE(ListenSocket::open(address, 2, 64));
}

TEST(ListenSocketTest, AnyAddressServesBothFamilies) {
  const auto sockets = ListenSocket::open(*SocketAddress::parse(":0"), 1, 64);
  ASSERT_TRUE(sockets) << sockets.error().to_string();
  const std::uint16_t port = sockets->front()->address().port();
  const int four = dial(SocketAddress(IpAddress::v4(INADDR_LOOPBACK), port));
  EXPECT_GE(four, 0);
  ::close(four);
  if (sockets->front()->address().ip().is_v4()) return;  // no IPv6 here
  const int six = dial(*SocketAddress::parse("[::1]:" + std::to_string(port)));
  EXPECT_GE(six, 0);
  ::close(six);
}

TEST(ListenSocketTest, TakesDescriptorsThatWerePassed) {
  // The child stands for a program that a service manager started with one socket as descriptor 3.
  const Loopback passed;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(passed.fd(), 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    const auto sockets = ListenSocket::open(passed.address(), 1, 64);
    ::_exit(sockets && sockets->front()->fd() == 3 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

class AcceptorTest : public testing::Test {
 protected:
  AcceptorTest() {
    auto opened = ListenSocket::open(kAnyLoopbackPort, 1, 256);
    EXPECT_TRUE(opened);
    socket_ = opened->front();
    acceptor_ = std::make_unique<Acceptor>(loop_, socket_->fd(), [this](AcceptedConnection& each) {
      accepted_.push_back(std::move(each));
    });
  }
  ~AcceptorTest() override {
    for (const auto& each : accepted_) ::close(each.fd);
    for (const int fd : clients_) ::close(fd);
  }
  int connect() {
    clients_.push_back(dial(socket_->address()));
    return clients_.back();
  }
  void expect_proxy_headers() {
    config::Listener listener;
    listener.proxy_protocol_from = {*Cidr::parse("127.0.0.0/8")};
    acceptor_->configure(listener);
  }
  bool until(const std::function<bool()>& done) { return run_until(loop_, done); }

  EventLoop loop_;
  std::shared_ptr<ListenSocket> socket_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<AcceptedConnection> accepted_;
  std::vector<int> clients_;
};

TEST_F(AcceptorTest, HandsOverReadyDescriptors) {
  const int client = connect();
  ASSERT_TRUE(until([&] { return accepted_.size() == 1; }));
  const AcceptedConnection& each = accepted_[0];
  EXPECT_EQ(each.peer, local_address(client));
  EXPECT_EQ(each.local, socket_->address());
  EXPECT_FALSE(each.from_proxy_protocol);
  EXPECT_TRUE(::fcntl(each.fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(::fcntl(each.fd, F_GETFD) & FD_CLOEXEC);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  ::getsockopt(each.fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  EXPECT_NE(no_delay, 0);
}

TEST_F(AcceptorTest, TakesABoundedNumberAWakeUp) {
  for (int i = 0; i < 100; ++i) connect();
  loop_.run_once(1s);
  EXPECT_LT(accepted_.size(), 100U);
  EXPECT_TRUE(until([&] { return accepted_.size() == 100; }));
}

TEST_F(AcceptorTest, DrainingEmptiesTheQueue) {
  for (int i = 0; i < 50; ++i) connect();
  acceptor_->drain_and_close();
  EXPECT_EQ(accepted_.size(), 50U);
}

TEST_F(AcceptorTest, RefusesMoreThanTheLimit) {
  std::atomic<std::uint32_t> open{1};
  config::Listener listener;
  listener.max_connections = 1;
  acceptor_->configure(listener, &open);
  const int client = connect();
  ASSERT_TRUE(until([&] { return acceptor_->refused() == 1; }));
  char byte;
  EXPECT_LE(::recv(client, &byte, 1, 0), 0);
  open = 0;
  connect();
  EXPECT_TRUE(until([&] { return accepted_.size() == 1; }));
}

TEST_F(AcceptorTest, RestsWithoutDescriptorsAndComesBack) {
  std::vector<int> hoard;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int client = connect();
  const rlimit few{static_cast<rlim_t>(client + 1), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  for (int fd; (fd = ::dup(0)) >= 0;) hoard.push_back(fd);
  int turns = 0;
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < 100ms) {
    loop_.run_once(20ms);
    ++turns;
  }
  EXPECT_TRUE(accepted_.empty());
  EXPECT_LT(turns, 50) << "it spins";
  for (const int fd : hoard) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(until([&] { return accepted_.size() == 1; }));
}

TEST_F(AcceptorTest, BelievesTheProxyHeaderOfATrustedPeer) {
  expect_proxy_headers();
  const int client = connect();
  constexpr std::string_view kBytes = "PROXY TCP4 192.0.2.1 198.51.100.2 5 443\r\nGET /";
  for (const char c : kBytes) {
    ASSERT_EQ(::send(client, &c, 1, 0), 1);
    loop_.run_once(0ms);
  }
  ASSERT_TRUE(until([&] { return accepted_.size() == 1; }));
  EXPECT_EQ(accepted_[0].peer.to_string(), "192.0.2.1:5");
  EXPECT_EQ(accepted_[0].local.to_string(), "198.51.100.2:443");
  EXPECT_TRUE(accepted_[0].from_proxy_protocol);
  EXPECT_TRUE(accepted_[0].early.empty() ||
              std::string_view("GET /").starts_with(accepted_[0].early));
}

TEST_F(AcceptorTest, LetsAHeaderEndThatWasOnItsWay) {
  expect_proxy_headers();
  const int client = connect();
  acceptor_->drain_and_close();
  ASSERT_TRUE(acceptor_->awaits_greetings());
  constexpr std::string_view kBytes = "PROXY TCP4 192.0.2.1 198.51.100.2 5 443\r\n";
  ASSERT_EQ(::send(client, kBytes.data(), kBytes.size(), 0), ssize_t(kBytes.size()));
  ASSERT_TRUE(until([&] { return accepted_.size() == 1; }));
  EXPECT_FALSE(acceptor_->awaits_greetings());
}

TEST_F(AcceptorTest, LeavesTheQueueToTheNext) {
  connect();
  acceptor_->close();
  std::vector<AcceptedConnection> taken;
  Acceptor next(loop_, socket_->fd(), [&](AcceptedConnection& each) { taken.push_back(each); });
  ASSERT_TRUE(until([&] { return taken.size() == 1; }));
  EXPECT_TRUE(accepted_.empty());
  ::close(taken[0].fd);
}

TEST_F(AcceptorTest, HandsOnWhatCameBehindTheHeader) {
  expect_proxy_headers();
  const int client = connect();
  constexpr std::string_view kBytes = "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n";
  ASSERT_EQ(::send(client, kBytes.data(), kBytes.size(), 0), ssize_t(kBytes.size()));
  ASSERT_TRUE(until([&] { return accepted_.size() == 1; }));
  EXPECT_EQ(accepted_[0].early, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(accepted_[0].peer, local_address(client));
}

TEST_F(AcceptorTest, DropsATrustedPeerWithoutHeader) {
  expect_proxy_headers();
  const int client = connect();
  ASSERT_EQ(::send(client, "GET / HTTP/1.1\r\n", 16, 0), 16);
  ASSERT_TRUE(until([&] { return acceptor_->refused() == 1; }));
  char byte;
  EXPECT_LE(::recv(client, &byte, 1, 0), 0);
  EXPECT_TRUE(accepted_.empty());
}

TEST_F(AcceptorTest, DyingClosesConnectionsThatSaidNothing) {
  expect_proxy_headers();
  const int client = connect();
  loop_.run_once(100ms);
  acceptor_.reset();
  char byte;
  EXPECT_LE(::recv(client, &byte, 1, 0), 0);
}

}  // namespace
}  // namespace gateway::net
