#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

// Something with a descriptor in an EventLoop.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual void on_ready(uint32_t events) = 0;
};

// Edge-triggered epoll, one thread. Every descriptor is registered once for reading and writing, so
// that a request never costs an epoll_ctl; a short read then means "drained" (epoll(7)).
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void add(int fd, Watched* watched);
  // Waits at most `timeout_ns` (negative: without limit) and calls whoever is ready.
  void turn(int64_t timeout_ns);
  // Deletes the object after the running turn: later events of the same batch may still name it.
  void doom(std::unique_ptr<Watched> watched) { doomed_.push_back(std::move(watched)); }

 private:
  int epoll_;
  std::vector<std::unique_ptr<Watched>> doomed_;
};

// CLOCK_MONOTONIC in nanoseconds.
int64_t now_ns();

}  // namespace bench
