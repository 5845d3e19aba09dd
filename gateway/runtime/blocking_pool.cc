#include "gateway/runtime/blocking_pool.h"

#include <pthread.h>
#include <signal.h>

namespace gateway {
namespace {

// Signals belong to the control thread's loop.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

BlockingPool::BlockingPool(std::size_t threads, std::size_t most_waiting, const std::string& name)
    : most_waiting_(most_waiting) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { serve(); });
    const std::string numbered = name.substr(0, 12) + '-' + std::to_string(i);
    ::pthread_setname_np(threads_.back().native_handle(), numbered.substr(0, 15).c_str());
  }
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= most_waiting_) return false;
    waiting_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void BlockingPool::serve() {
  block_signals();
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace gateway
