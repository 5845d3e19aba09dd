#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/socket.h"

namespace gateway::test {

/// A DNS server on a loopback port, on a thread of its own: A records of names that a test sets, to
/// live for one second. Unknown names do not exist.
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Socket::loopback(0);
    socklen_t length = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), length) != 0)
      throw std::runtime_error("cannot bind a name server");
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);  // ends the read, though it says that nothing is connected
    thread_.join();
    ::close(socket_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int questions() const { return questions_; }
  /// 127.0.0.N for each number; none: the name does not exist.
  void set(const std::string& name, const std::vector<int>& last_bytes) {
    const std::lock_guard lock(mutex_);
    names_[name] = last_bytes;
  }
  /// While silent, questions are lost.
  void be_silent(bool silent) { silent_ = silent; }
  /// Until so many more questions have come.
  void wait_for_questions(int more) const {
    for (const int before = questions_; questions_ < before + more;) std::this_thread::yield();
  }

 private:
  void serve() {
    char bytes[512];
    sockaddr_in from{};
    while (!stopping_) {
      socklen_t length = sizeof from;
      const ssize_t size =
          ::recvfrom(socket_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 17) continue;
      ++questions_;
      if (silent_) continue;
      const std::string answer = answer_to({bytes, static_cast<std::size_t>(size)});
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
               length);
    }
  }

  std::string answer_to(std::string message) {
    std::string name;
    std::size_t at = 12;
    while (message[at] != 0) {
      const std::size_t length = static_cast<unsigned char>(message[at]);
      name += (name.empty() ? "" : ".") + message.substr(at + 1, length);
      at += length + 1;
    }
    const bool is_a = message[at + 2] == 1;
    message.resize(at + 5);
    const std::lock_guard lock(mutex_);
    const std::vector<int>& known = names_[name];
    message[2] = '\x81';  // an answer, recursion wanted
    message[3] = known.empty() ? '\x83' : '\x80';
    message[7] = static_cast<char>(is_a ? known.size() : 0);
    message[8] = message[9] = message[10] = message[11] = 0;
    for (std::size_t i = 0; is_a && i < known.size(); ++i) {
      message += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04\x7f\0\0", 15);
      message += static_cast<char>(known[i]);
    }
    return message;
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> silent_{false};
  std::atomic<int> questions_{0};
  std::mutex mutex_;
  std::map<std::string, std::vector<int>> names_;
  std::thread thread_;
};

}  // namespace gateway::test
