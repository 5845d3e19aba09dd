#include "gateway/runtime/event_loop.h"

#include <uv.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/base/check.h"

namespace gateway {

// What other threads touch, and the libuv handles, which must stay where they are.
struct EventLoop::Shared {
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;  // guarded by mutex
  std::atomic<bool> stop_asked{false};
  std::thread::id thread = std::this_thread::get_id();
  uv_async_t wake;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t wheel;
  uv_timer_t once;
};

void EventLoop::UvDelete::operator()(uv_loop_s* loop) const {
  GATEWAY_CHECK(uv_loop_close(loop) == 0);
  delete loop;
}

namespace {

uv_loop_t* new_loop() {
  auto* loop = new uv_loop_t;
  GATEWAY_CHECK(uv_loop_init(loop) == 0);
  return loop;
}

}  // namespace

EventLoop::EventLoop()
    : uv_(new_loop()),
      shared_(std::make_unique<Shared>()),
      timers_(*this, Callback<Instant>::bind<&EventLoop::arm_wheel>(this)),
      random_(Random::from_entropy()) {
  uv_async_init(uv(), &shared_->wake,
                [](uv_async_t* handle) { static_cast<EventLoop*>(handle->data)->drain_posted(); });
  uv_prepare_init(uv(), &shared_->prepare);
  uv_check_init(uv(), &shared_->check);
  uv_timer_init(uv(), &shared_->wheel);
  uv_timer_init(uv(), &shared_->once);
  shared_->wake.data = shared_->prepare.data = shared_->check.data = shared_->wheel.data = this;
  // Before the poll: whatever timers and closings left to do, and the time is stale afterwards.
  uv_prepare_start(&shared_->prepare, [](uv_prepare_t* handle) {
    static_cast<EventLoop*>(handle->data)->end_of_turn();
  });
  uv_check_start(&shared_->check,
                 [](uv_check_t* handle) { static_cast<EventLoop*>(handle->data)->after_events(); });
}

EventLoop::~EventLoop() {
  end_of_turn();
  for (auto* handle : {reinterpret_cast<uv_handle_t*>(&shared_->wake),
                       reinterpret_cast<uv_handle_t*>(&shared_->prepare),
                       reinterpret_cast<uv_handle_t*>(&shared_->check),
                       reinterpret_cast<uv_handle_t*>(&shared_->wheel),
                       reinterpret_cast<uv_handle_t*>(&shared_->once)})
    uv_close(handle, nullptr);
  uv_run(uv(), UV_RUN_DEFAULT);
  // Tasks that nobody will run may own objects that still look at the loop: they die before it.
  shared_->tasks.clear();
}

void EventLoop::run() {
  shared_->thread = std::this_thread::get_id();
  while (!shared_->stop_asked.load(std::memory_order_acquire)) uv_run(uv(), UV_RUN_DEFAULT);
  shared_->stop_asked.store(false, std::memory_order_relaxed);
  end_of_turn();
  uv_run(uv(), UV_RUN_NOWAIT);
}

void EventLoop::stop() {
  shared_->stop_asked.store(true, std::memory_order_release);
  uv_async_send(&shared_->wake);
}

void EventLoop::run_once(Duration wait) {
  shared_->thread = std::this_thread::get_id();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  uv_update_time(uv());
  uv_timer_start(
      &shared_->once, [](uv_timer_t*) {}, static_cast<std::uint64_t>(ms), 0);
  // A timer that is due at once would be gone before the poll, which then waits for ever.
  uv_run(uv(), ms > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  uv_timer_stop(&shared_->once);
  end_of_turn();
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->tasks.push_back(std::move(task));
    if (shared_->tasks.size() > 1) return;  // the wake-up of the first is still under way
  }
  uv_async_send(&shared_->wake);
}

void EventLoop::drain_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(shared_->mutex);
    tasks.swap(shared_->tasks);
  }
  for (auto& task : tasks) {
    task();
    task = nullptr;  // dies before the next one runs
  }
  if (shared_->stop_asked.load(std::memory_order_acquire)) uv_stop(uv());
}

void EventLoop::read_clock() const {
  now_ = std::chrono::steady_clock::now();
  now_valid_ = true;
}

void EventLoop::end_of_turn() {
  while (Deferred* work = deferred_.pop_front()) work->callback_();
  // A destructor may dispose of more: the list is taken until it stays empty.
  while (Disposable* object = disposals_.pop_front()) delete object;
  ++turn_;
  now_valid_ = false;
}

bool EventLoop::in_loop_thread() const { return shared_->thread == std::this_thread::get_id(); }

void EventLoop::arm_wheel(Instant at) {
  const auto left = at - std::chrono::steady_clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  uv_update_time(uv());
  uv_timer_start(
      &shared_->wheel,
      [](uv_timer_t* handle) { static_cast<EventLoop*>(handle->data)->on_wheel(); },
      ms > 0 ? static_cast<std::uint64_t>(ms) : 0, 0);
}

// libuv runs timers before it looks for events. Ours wait for the events that are there already:
// the wake-up makes the poll return at once.
void EventLoop::on_wheel() {
  wheel_due_ = true;
  uv_async_send(&shared_->wake);
}

void EventLoop::after_events() {
  if (wheel_due_) {
    wheel_due_ = false;
    now_valid_ = false;
    timers_.advance();
  }
  end_of_turn();
}

}  // namespace gateway
