#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/runtime/event_loop.h"

namespace gateway {

/// Threads for work that blocks (SQLite, libpq), away from every loop. Work waits in one bounded
/// queue; its outcome is posted to the loop that asked. Work that was not begun when the pool dies
/// never runs, and neither does its outcome; work under way is waited for.
class BlockingPool {
 public:
  BlockingPool(std::size_t threads, std::size_t most_waiting, const std::string& name = "blocking");
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Any thread. `work` runs on the pool, then `done` on `loop` with its result. False: the queue
  /// is full and nothing will run. The loop must outlive the pool; what `done` touches may be gone
  /// by then, which is the caller's to know.
  template <typename Work, typename Done>
  bool run(EventLoop& loop, Work work, Done done) {
    return submit([&loop, work = std::move(work), done = std::move(done)]() mutable {
      auto result = std::make_shared<decltype(work())>(work());
      loop.post([result, done = std::move(done)]() mutable { done(std::move(*result)); });
    });
  }

  /// Any thread; the work alone.
  bool submit(std::function<void()> work);

 private:
  void serve();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace gateway
