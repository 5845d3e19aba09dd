#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/socket.h"

namespace gateway::test {

/// What came back. `status` 0: no head at all.
struct Reply {
  int status = 0;
  std::string head;
  std::string body;
  bool complete = false;  ///< the body ended as its head had promised
  std::chrono::nanoseconds elapsed{};

  std::string field(std::string_view name) const { return field_of(head, name); }
};

/// A client's connection on which a test sends what it likes.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : socket_(Socket::connect(port)) {}

  bool send(std::string_view bytes) {
    sent_at_ = std::chrono::steady_clock::now();
    return socket_.send(bytes);
  }
  /// The final answer: 1xx are skipped. `head_request`: it has no body whatever it says.
  Reply read_reply(bool head_request = false) {
    Reply reply;
    do {
      const auto head = socket_.read_until("\r\n\r\n");
      if (!head || head->size() < 12) return timed(reply);
      reply.head = *head;
      reply.status = std::stoi(head->substr(9, 3));
    } while (reply.status / 100 == 1);
    const bool bodyless = head_request || reply.status == 204 || reply.status == 304;
    if (!bodyless) {
      const auto body = read_body(socket_, reply.head, true);
      reply.complete = body.has_value();
      reply.body = body ? *body : socket_.unread();
    } else {
      reply.complete = true;
    }
    return timed(reply);
  }
  Reply fetch(std::string_view request) {
    send(request);
    return read_reply(request.starts_with("HEAD "));
  }
  Socket& socket() { return socket_; }

 private:
  Reply timed(Reply& reply) const {
    reply.elapsed = std::chrono::steady_clock::now() - sent_at_;
    return std::move(reply);
  }

  Socket socket_;
  std::chrono::steady_clock::time_point sent_at_{};
};

inline Reply fetch(std::uint16_t port, std::string_view request) {
  return HttpClient(port).fetch(request);
}

inline std::string get(std::string_view path, std::string_view host = "localhost") {
  std::string text = "GET ";
  return text.append(path).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n\r\n");
}

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view host = "localhost") {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\nContent-Length: ");
  return text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

}  // namespace gateway::test
