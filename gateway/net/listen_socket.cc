#include "gateway/net/listen_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace gateway::net {
namespace {

constexpr int kFirstPassedFd = 3;  // sd_listen_fds(3)
constexpr unsigned kSyn = 0x02;
constexpr unsigned kAck = 0x10;

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

void allow_sharing(int fd) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

// Bound and listening, or -errno. Only a socket that is `shared` finds room beside others.
int listen_on(const SocketAddress& address, bool shared, int backlog) {
  sockaddr_storage storage;
  const socklen_t length = address.to_sockaddr(storage);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // [::] serves IPv4 too.
  if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (shared) allow_sharing(fd);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 &&
      ::listen(fd, backlog) == 0)
    return fd;
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

ListenSocket::ListenSocket(int fd) : fd_(fd), address_(local_address(fd)) {
  // Accepted sockets inherit it: a small answer must not wait for the acknowledgement of the one
  // before.
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ListenSocket::~ListenSocket() { ::close(fd_); }

void ListenSocket::stop_inviting() {
  if (passed_) return;  // the next process gets the same socket, with its queue
  // A socket filter sees TCP headers: SYN without ACK is dropped. Where it cannot be attached, a
  // connection that comes between the last accept and the close is reset.
  sock_filter drop_syn[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),  // flags, RFC 9293 §3.1
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  sock_fprog program{};
  program.len = static_cast<unsigned short>(std::size(drop_syn));
  program.filter = drop_syn;
  ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

Result<std::vector<std::shared_ptr<ListenSocket>>> ListenSocket::open(const SocketAddress& wanted,
                                                                      std::size_t count,
                                                                      int backlog) {
  SocketAddress address = usable(wanted);
  std::vector<std::shared_ptr<ListenSocket>> sockets;
  for (const int fd : passed_sockets(address)) {
    if (sockets.size() == count) break;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    auto socket = std::shared_ptr<ListenSocket>(new ListenSocket(fd));
    socket->passed_ = true;
    sockets.push_back(std::move(socket));
  }
  while (sockets.size() < count) {
    // The first takes the address for itself alone, so that the kernel refuses it if anybody is
    // there, and opens it to its siblings afterwards. Two gateways that start at once cannot both
    // succeed.
    const bool first = sockets.empty();
    const int fd = listen_on(address, !first, backlog);
    if (fd < 0) return socket_failure(address, -fd);
    if (first) allow_sharing(fd);
    auto socket = std::shared_ptr<ListenSocket>(new ListenSocket(fd));
    address = SocketAddress(address.ip(), socket->address().port());
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace gateway::net
