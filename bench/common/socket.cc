#include "bench/common/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "bench/common/flags.h"

namespace bench {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void set(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

int listen_tcp(uint16_t port, bool share_port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  set(fd, SOL_SOCKET, SO_REUSEADDR);
  if (share_port) set(fd, SOL_SOCKET, SO_REUSEPORT);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    die("cannot listen on 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

int accept_tcp(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) set(fd, IPPROTO_TCP, TCP_NODELAY);
  return fd;
}

int connect_tcp(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("no descriptor left");
  set(fd, IPPROTO_TCP, TCP_NODELAY);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    die("cannot connect to 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

Transfer read_some(int fd, char* into, size_t room) {
  const ssize_t n = read(fd, into, room);
  if (n > 0) return {Io::kDone, static_cast<size_t>(n)};
  if (n < 0 && errno == EAGAIN) return {Io::kAgain, 0};
  return {Io::kClosed, 0};
}

Transfer write_all(int fd, const char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = send(fd, data + done, size - done, MSG_NOSIGNAL);
    if (n < 0) return {errno == EAGAIN ? Io::kAgain : Io::kClosed, done};
    done += static_cast<size_t>(n);
  }
  return {Io::kDone, done};
}

}  // namespace bench
