#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "support/scripted_server.h"

namespace gateway::test {

/// An endpoint that remembers what reached it and answers each request with the very bytes it got.
class Recorder {
 public:
  std::string address() const { return server_.address(); }
  int connections() const { return server_.connections(); }

  /// Every head that came, also of requests that were cut short later.
  std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }
  /// Requests that came whole, with their bodies.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(Peer& peer) {
    while (auto head = peer.socket().read_until("\r\n\r\n")) {
      note(heads_, *head);
      const auto body = read_body(peer.socket(), *head, false);
      if (!body) return;
      note(requests_, *head + *body);
      if (!peer.send(http_answer(200, *head + *body))) return;
    }
  }
  void note(std::vector<std::string>& list, std::string text) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(text));
  }

  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::vector<std::string> requests_;
  ScriptedServer server_{[this](Peer& peer) { serve(peer); }};
};

}  // namespace gateway::test
