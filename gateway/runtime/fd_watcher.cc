#include "gateway/runtime/fd_watcher.h"

#include <uv.h>

#include "gateway/base/check.h"

namespace gateway {
namespace {

static_assert(FdWatcher::kReadable == UV_READABLE && FdWatcher::kWritable == UV_WRITABLE);

void on_poll(uv_poll_t* handle, int status, int events);

}  // namespace

void FdWatcher::open(EventLoop& loop, int fd, Callback<int> on_events) {
  GATEWAY_CHECK(handle_ == nullptr);
  handle_ = new uv_poll_t;
  on_events_ = on_events;
  wanted_ = 0;
  GATEWAY_CHECK(uv_poll_init(loop.uv(), handle_, fd) == 0);
  handle_->data = &on_events_;
}

void FdWatcher::want(int events) {
  if (handle_ == nullptr || events == wanted_) return;
  wanted_ = events;
  if (events == 0)
    uv_poll_stop(handle_);
  else
    uv_poll_start(handle_, events, on_poll);
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

void on_poll(uv_poll_t* handle, int status, int events) {
  const auto& callback = *static_cast<Callback<int>*>(handle->data);
  callback(status < 0 ? FdWatcher::kReadable | FdWatcher::kWritable : events);
}

}  // namespace
}  // namespace gateway
