#include "gateway/runtime/fd_watcher.h"

#include <uv.h>

#include <memory>

#include "gateway/base/check.h"

namespace gateway {
namespace {

static_assert(FdWatcher::kReadable == UV_READABLE && FdWatcher::kWritable == UV_WRITABLE);

void poll_event(uv_poll_t* handle, int status, int events);

}  // namespace

bool FdWatcher::open(EventLoop& loop, int fd, Callback<int> on_events) {
  GATEWAY_CHECK(handle_ == nullptr);
  auto handle = std::make_unique<uv_poll_t>();
  if (uv_poll_init(loop.uv(), handle.get(), fd) != 0) return false;
  handle_ = handle.release();
  handle_->data = this;
  on_events_ = on_events;
  wanted_ = 0;
  return true;
}

void FdWatcher::want(int events) {
  if (handle_ == nullptr || events == wanted_) return;
  wanted_ = events;
  if (events == 0)
    uv_poll_stop(handle_);
  else
    uv_poll_start(handle_, events, poll_event);
}

void FdWatcher::close() {
  if (handle_ == nullptr) return;
  // libuv keeps the handle until its close callback, which comes after this object may be gone.
  uv_close(reinterpret_cast<uv_handle_t*>(handle_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  handle_ = nullptr;
  wanted_ = 0;
}

namespace {

void poll_event(uv_poll_t* handle, int status, int events) {
  static_cast<FdWatcher*>(handle->data)->on_poll(status, events);
}

}  // namespace

void FdWatcher::on_poll(int status, int events) {
  if (status < 0) {
    // libuv has stopped the handle; bytes that arrived before the error still want to be read.
    events = kReadable | kWritable;
    uv_poll_start(handle_, wanted_, poll_event);
  }
  on_events_(events);
}

}  // namespace gateway
