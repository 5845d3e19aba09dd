#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/socket.h"

namespace gateway::test {

/// A connection as a script sees it.
class Peer {
 public:
  Peer(Socket socket, int index) : socket_(std::move(socket)), index_(index) {}

  /// Head and body as they came; nothing when the connection ended first.
  std::optional<std::string> read_request() {
    auto head = socket_.read_until("\r\n\r\n");
    if (!head) return std::nullopt;
    auto body = read_body(socket_, *head, false);
    if (!body) return std::nullopt;
    return *head + *body;
  }
  bool send(std::string_view bytes) { return socket_.send(bytes); }
  /// Until the other side closes; what comes meanwhile is thrown away.
  void wait_for_close() {
    while (socket_.fill()) socket_.discard();
  }
  /// The connection will end in a reset instead of an orderly close.
  void reset_at_end() { socket_.reset_at_close(); }
  /// Not to be closed by the script.
  Socket& socket() { return socket_; }
  /// 0 for the server's first connection.
  int index() const { return index_; }

 private:
  Socket socket_;
  int index_;
};

/// A server that does what the test says: each connection runs the script on a thread of its own
/// and closes when the script returns.
class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) { start(); }
  ~ScriptedServer() { stop(); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

  /// Until every connection has ended.
  void wait_for_no_connections() {
    std::unique_lock lock(mutex_);
    closed_.wait(lock, [this] { return open_.empty(); });
  }

  /// Beside the scripts, on every open connection.
  void send_to_all(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  /// As when its process is killed: the port refuses, every connection ends.
  void stop() {
    if (listening_ < 0) return;
    ::shutdown(listening_, SHUT_RDWR);
    acceptor_.join();
    ::close(listening_);
    listening_ = -1;
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  /// On the same port as before.
  void start() {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = Socket::loopback(port_);
    socklen_t length = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(listening_, 128) != 0)
      throw std::runtime_error("cannot listen on port " + std::to_string(port_));
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, index = connections_++] { serve(fd, index); });
    }
  }
  void serve(int fd, int index) {
    Peer peer(Socket(fd), index);
    script_(peer);
    // Under the lock, so that stop() shuts down no descriptor that was given to somebody else.
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    peer.socket().close();
    closed_.notify_all();
  }

  Script script_;
  std::uint16_t port_ = 0;
  int listening_ = -1;
  std::thread acceptor_;
  std::mutex mutex_;
  std::condition_variable closed_;
  std::vector<std::thread> threads_;
  std::vector<int> open_;
  std::atomic<int> connections_{0};
};

inline std::string http_answer(int status, std::string_view body, std::string_view fields = {}) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Text\r\n";
  text.append(fields).append("Content-Length: ").append(std::to_string(body.size()));
  return text.append("\r\n\r\n").append(body);
}

/// Answers every request alike, connections kept.
inline ScriptedServer::Script always(std::string answer) {
  return [answer = std::move(answer)](Peer& peer) {
    while (peer.read_request())
      if (!peer.send(answer)) return;
  };
}

}  // namespace gateway::test
