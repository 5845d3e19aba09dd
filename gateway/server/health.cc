#include "gateway/server/health.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace gateway::server {
namespace {

constexpr timeval kWait{2, 0};  // for each of: connecting, sending, an answer's next bytes
constexpr std::string_view kGood = "HTTP/1.1 200 ";

class BlockingSocket {
 public:
  explicit BlockingSocket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~BlockingSocket() {
    if (fd_ >= 0) ::close(fd_);
  }
  BlockingSocket(const BlockingSocket&) = delete;
  BlockingSocket& operator=(const BlockingSocket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

SocketAddress from_here(const SocketAddress& address) {
  if (address.ip().bytes().find_first_not_of('\0') != std::string_view::npos) return address;
  return {IpAddress::v4(INADDR_LOOPBACK), address.port()};
}

Result<void> silent(const SocketAddress& at, std::string_view what) {
  return failure(ErrorCode::io_error, Side::internal,
                 fmt::format("{}: {}: {}", at.to_string(), what, std::strerror(errno)));
}

}  // namespace

Result<void> ask_health(const SocketAddress& address) {
  const SocketAddress at = from_here(address);
  sockaddr_storage storage{};
  const socklen_t length = at.to_sockaddr(storage);
  const BlockingSocket socket(storage.ss_family);
  // Linux bounds connect() by the time for sending.
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &kWait, sizeof kWait);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &kWait, sizeof kWait);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&storage), length) != 0)
    return silent(at, "nobody listens");
  // The admin listener answers to its own name alone.
  const std::string question =
      fmt::format("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", at.to_string());
  if (::send(socket.fd(), question.data(), question.size(), MSG_NOSIGNAL) < 0)
    return silent(at, "no question was taken");
  std::string answer;
  while (answer.size() < kGood.size()) {
    char bytes[512];
    const ssize_t count = ::recv(socket.fd(), bytes, sizeof bytes, 0);
    if (count < 0) return silent(at, "no answer");
    if (count == 0) break;
    answer.append(bytes, static_cast<std::size_t>(count));
  }
  if (answer.starts_with(kGood)) return {};
  return failure(ErrorCode::io_error, Side::internal,
                 fmt::format("{}: what answers there is not well, or speaks no plain HTTP: {}",
                             at.to_string(), answer.substr(0, answer.find('\r'))));
}

}  // namespace gateway::server
