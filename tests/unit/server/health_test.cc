#include "gateway/server/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace gateway::server {
namespace {

using testing::HasSubstr;

/// Answers one connection with a text, in pieces.
class OneAnswer {
 public:
  explicit OneAnswer(std::vector<std::string> pieces)
      : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), pieces_(std::move(pieces)) {
    sockaddr_storage storage{};
    socklen_t length = SocketAddress(IpAddress::v4(INADDR_LOOPBACK), 0).to_sockaddr(storage);
    EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&storage), length), 0);
    EXPECT_EQ(::listen(listening_, 1), 0);
    length = sizeof storage;
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&storage), &length);
    address_ = SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage));
    thread_ = std::thread([this] { answer(); });
  }
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
    ::close(listening_);
  }
  const SocketAddress& address() const { return address_; }
  const std::string& question() {
    thread_.join();
    return question_;
  }

 private:
  void answer() {
    const int fd = ::accept(listening_, nullptr, nullptr);
    char bytes[512];
    while (question_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
      if (count <= 0) break;
      question_.append(bytes, static_cast<std::size_t>(count));
    }
    for (const std::string& piece : pieces_) ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
    ::close(fd);
  }

  const int listening_;
  const std::vector<std::string> pieces_;
  SocketAddress address_;
  std::string question_;
  std::thread thread_;
};

TEST(Health, TakesTwoHundredForWell) {
  OneAnswer server({"HTTP/1.1 2", "00 OK\r\n\r\n"});
  EXPECT_TRUE(ask_health(server.address()));
  EXPECT_THAT(server.question(), testing::StartsWith("GET /healthz HTTP/1.1\r\nHost: "));
}

TEST(Health, AsksLoopbackWhereAnyAddressIsListenedOn) {
  OneAnswer server({"HTTP/1.1 200 OK\r\n\r\n"});
  EXPECT_TRUE(ask_health(*SocketAddress::parse(":" + std::to_string(server.address().port()))));
}

TEST(Health, SaysWhatElseItHeard) {
  OneAnswer server({"HTTP/1.1 503 Service Unavailable\r\n\r\n"});
  const auto well = ask_health(server.address());
  ASSERT_FALSE(well);
  EXPECT_THAT(well.error().detail, HasSubstr("HTTP/1.1 503 Service Unavailable"));
}

TEST(Health, TakesAnEndForNoAnswer) {
  OneAnswer server({});
  EXPECT_FALSE(ask_health(server.address()));
}

}  // namespace
}  // namespace gateway::server
