#include "gateway/net/listen_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gateway::net {
namespace {

constexpr int kFirstPassedFd = 3;  // sd_listen_fds(3)

tl::unexpected<Error> socket_failure(const SocketAddress& address, int error) {
  const ErrorCode code = error == EADDRINUSE                 ? ErrorCode::address_in_use
                         : error == EACCES || error == EPERM ? ErrorCode::permission_denied
                                                             : ErrorCode::io_error;
  std::string detail =
      fmt::format("cannot listen on {}: {}", address.to_string(), std::strerror(error));
  if (code == ErrorCode::address_in_use)
    detail += " (another process listens there: stop it or choose another port)";
  if (code == ErrorCode::permission_denied)
    detail += " (ports below 1024 need root, CAP_NET_BIND_SERVICE or a higher port)";
  return failure(code, Side::internal, std::move(detail));
}

SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage));
}

// `shared`: one of several of ours. Returns the descriptor or -errno.
int bind_socket(const SocketAddress& address, bool shared) {
  sockaddr_storage storage;
  const socklen_t length = address.to_sockaddr(storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // [::] serves IPv4 too.
  if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

// Where the system has no IPv6, "any address" means IPv4.
SocketAddress usable(const SocketAddress& address) {
  if (address.ip().is_v4()) return address;
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    ::close(fd);
    return address;
  }
  const std::string_view bytes = address.ip().bytes();
  const bool any = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
  return any ? SocketAddress(IpAddress::v4(0), address.port()) : address;
}

// A listening descriptor for that address that a service manager handed to us.
std::vector<int> passed_sockets(const SocketAddress& address) {
  std::vector<int> found;
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || std::atol(pid) != ::getpid()) return found;
  for (int fd = kFirstPassedFd; fd < kFirstPassedFd + std::atoi(count); ++fd) {
    int listening = 0;
    socklen_t length = sizeof listening;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0)
      continue;
    if (local_address(fd) == address) found.push_back(fd);
  }
  return found;
}

}  // namespace

// Two gateways of one user could share a port by SO_REUSEPORT. A name in the abstract socket
// namespace belongs to one process of a network namespace, and is free again the moment that
// process is gone.
struct ListenSocket::Guard {
  int fd = -1;
  ~Guard() {
    if (fd >= 0) ::close(fd);
  }

  bool take(const SocketAddress& address) {
    const std::string name = "gateway/listen/" + address.to_string();
    sockaddr_un abstract{};
    abstract.sun_family = AF_UNIX;
    std::memcpy(abstract.sun_path + 1, name.data(), name.size());
    fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&abstract), length) == 0;
  }
};

ListenSocket::ListenSocket(int fd, std::shared_ptr<Guard> guard)
    : fd_(fd), address_(local_address(fd)), guard_(std::move(guard)) {}

ListenSocket::~ListenSocket() { ::close(fd_); }

Result<std::vector<std::shared_ptr<ListenSocket>>> ListenSocket::open(const SocketAddress& wanted,
                                                                      std::size_t count,
                                                                      int backlog) {
  SocketAddress address = usable(wanted);
  auto guard = std::make_shared<Guard>();
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  for (const int fd : passed_sockets(address)) {
    if (sockets.size() == count) break;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    sockets.push_back(std::shared_ptr<ListenSocket>(new ListenSocket(fd, guard)));
  }
  if (sockets.empty() && address.port() != 0) {
    if (!guard->take(address)) return socket_failure(address, EADDRINUSE);
    // Without SO_REUSEPORT the kernel says whether anybody at all is there.
    const int probe = bind_socket(address, false);
    if (probe < 0) return socket_failure(address, -probe);
    ::close(probe);
  }
  while (sockets.size() < count) {
    const int fd = bind_socket(address, true);
    if (fd < 0) return socket_failure(address, -fd);
    auto socket = std::shared_ptr<ListenSocket>(new ListenSocket(fd, guard));
    if (::listen(fd, backlog) != 0) return socket_failure(address, errno);
    address = SocketAddress(address.ip(), socket->address().port());
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace gateway::net
