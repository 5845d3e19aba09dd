#pragma once

#include "gateway/base/callback.h"
#include "gateway/runtime/event_loop.h"

struct uv_poll_s;

namespace gateway {

/// Readiness of one descriptor on one loop. The watcher never reads or writes the descriptor and
/// does not own it: close the watcher first, then the descriptor. `close()` is idempotent; after it
/// no callback comes, also within the same turn.
class FdWatcher {
 public:
  static constexpr int kReadable = 1;
  static constexpr int kWritable = 2;

  FdWatcher() = default;
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;
  ~FdWatcher() { close(); }

  /// `fd` must be non-blocking. The callback gets the events seen (kReadable, kWritable; an error
  /// or hang-up is told as both, so that the next read or write finds out).
  /// False when the system does not watch it: no memory for it, or a descriptor of the wrong kind.
  [[nodiscard]] bool open(EventLoop& loop, int fd, Callback<int> on_events);
  /// What to wait for. Costs up to three epoll_ctl when it changes: only for back-pressure.
  void want(int events);
  int wanted() const { return wanted_; }
  bool is_open() const { return handle_ != nullptr; }
  void close();

  /// For the libuv callback alone.
  void on_poll(int status, int events);

 private:
  uv_poll_s* handle_ = nullptr;
  Callback<int> on_events_;
  int wanted_ = 0;
};

}  // namespace gateway
