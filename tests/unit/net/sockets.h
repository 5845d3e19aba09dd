#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/address.h"
#include "gateway/base/check.h"

namespace gateway::net {

inline SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  GATEWAY_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0);
  return SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage));
}

/// A listening socket on a loopback port of the system's choice.
class Loopback {
 public:
  Loopback() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage;
    const socklen_t size = SocketAddress(IpAddress::v4(INADDR_LOOPBACK), 0).to_sockaddr(storage);
    GATEWAY_CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0);
    GATEWAY_CHECK(::listen(fd_, 16) == 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    address_ = local_address(fd_);
  }
  ~Loopback() { ::close(fd_); }
  Loopback(const Loopback&) = delete;

  const SocketAddress& address() const { return address_; }
  int fd() const { return fd_; }
  /// Blocks until somebody connects.
  int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }
  /// A blocking client socket.
  int dial() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage;
    const socklen_t size = address_.to_sockaddr(storage);
    GATEWAY_CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0);
    return fd;
  }

 private:
  int fd_;
  SocketAddress address_;
};

}  // namespace gateway::net
