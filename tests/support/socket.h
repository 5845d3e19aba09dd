#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// Blocking sockets on the loopback address for tests: plain calls in the order of the test, each
/// bounded by a time that only a broken test reaches.
namespace gateway::test {

inline constexpr int kPatienceSeconds = 20;

/// One connected socket, and the reading of HTTP/1 messages from it by the simplest means: this is
/// the other side of what is tested, so it shares none of its code.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {
    const timeval patience{kPatienceSeconds, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Socket(Socket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(unread_, other.unread_);
    return *this;
  }
  ~Socket() { close(); }

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static Socket connect(std::uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to port " + std::to_string(port));
    return socket;
  }

  int fd() const { return fd_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Reads more into `unread`; false at the end, on a reset, or when patience ran out.
  bool fill() {
    char bytes[16384];
    const ssize_t received = ::recv(fd_, bytes, sizeof bytes, 0);
    if (received <= 0) return false;
    unread_.append(bytes, static_cast<std::size_t>(received));
    return true;
  }
  /// Up to and with `mark`; nothing if the end came first.
  std::optional<std::string> read_until(std::string_view mark) {
    std::size_t at;
    while ((at = unread_.find(mark)) == std::string::npos)
      if (!fill()) return std::nullopt;
    return take(at + mark.size());
  }
  std::optional<std::string> read_exactly(std::size_t size) {
    while (unread_.size() < size)
      if (!fill()) return std::nullopt;
    return take(size);
  }
  std::string read_to_end() {
    while (fill()) {
    }
    return take(unread_.size());
  }
  /// What came but was not read yet.
  const std::string& unread() const { return unread_; }
  void discard() { unread_.clear(); }

  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  /// The connection will end in a reset instead of an orderly close.
  void reset_at_close() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  std::string take(std::size_t size) {
    std::string taken = unread_.substr(0, size);
    unread_.erase(0, size);
    return taken;
  }

  int fd_ = -1;
  std::string unread_;
};

/// A field's value in a raw head, or empty. Names without case.
inline std::string field_of(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;
       line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':' ||
        !std::equal(name.begin(), name.end(), rest.begin(), same))
      continue;
    std::string_view value = rest.substr(name.size() + 1);
    value = value.substr(0, value.find("\r\n"));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return std::string(value);
  }
  return {};
}

/// The body that follows `head`, chunks joined; nothing when it was cut short. `to_end`: without a
/// length it goes on until the connection closes.
inline std::optional<std::string> read_body(Socket& socket, std::string_view head, bool to_end) {
  if (field_of(head, "transfer-encoding") == "chunked") {
    std::string body;
    while (true) {
      const auto line = socket.read_until("\r\n");
      std::size_t size = 0;
      if (!line ||
          std::from_chars(line->data(), line->data() + line->size(), size, 16).ec != std::errc())
        return std::nullopt;
      if (size == 0) break;
      const auto chunk = socket.read_exactly(size + 2);
      if (!chunk) return std::nullopt;
      body.append(*chunk, 0, size);
    }
    // Trailers, if any, end with an empty line.
    while (const auto line = socket.read_until("\r\n"))
      if (*line == "\r\n") return body;
    return std::nullopt;
  }
  if (const std::string length = field_of(head, "content-length"); !length.empty())
    return socket.read_exactly(std::stoull(length));
  return to_end ? socket.read_to_end() : std::string();
}

}  // namespace gateway::test
