#include "bench/common/event_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "bench/common/flags.h"

namespace bench {

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) die("epoll_create1 failed");
}

EventLoop::~EventLoop() { close(epoll_); }

void EventLoop::add(int fd, Watched* watched) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = watched;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl failed");
}

void EventLoop::turn(int64_t timeout_ns) {
  std::array<epoll_event, 256> events;
  const int room = static_cast<int>(events.size());
  int count = 0;
  if (timeout_ns < 0) {
    count = epoll_wait(epoll_, events.data(), room, -1);  // valgrind does not know epoll_pwait2
  } else {
    timespec limit{};
    limit.tv_sec = timeout_ns / 1'000'000'000;
    limit.tv_nsec = timeout_ns % 1'000'000'000;
    count = epoll_pwait2(epoll_, events.data(), room, &limit, nullptr);
  }
  if (count < 0 && errno != EINTR) die("waiting for events failed");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    static_cast<Watched*>(event.data.ptr)->on_ready(event.events);
  }
  doomed_.clear();
}

int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace bench
