#include "gateway/runtime/signals.h"

#include <signal.h>
#include <uv.h>

#include "gateway/base/check.h"

namespace gateway {

struct Signals::Watch {
  uv_signal_t handle;
  Handler handler;
};

Signals::Signals(EventLoop& loop, const std::vector<int>& numbers, const Handler& handler) {
  ::signal(SIGPIPE, SIG_IGN);
  for (const int number : numbers) {
    auto* watch = new Watch{{}, handler};
    GATEWAY_CHECK(uv_signal_init(loop.uv(), &watch->handle) == 0);
    watch->handle.data = watch;
    uv_signal_start(
        &watch->handle,
        [](uv_signal_t* handle, int seen) { static_cast<Watch*>(handle->data)->handler(seen); },
        number);
    watches_.push_back(watch);
  }
}

Signals::~Signals() {
  for (Watch* watch : watches_)
    uv_close(reinterpret_cast<uv_handle_t*>(&watch->handle),
             [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
}

}  // namespace gateway
