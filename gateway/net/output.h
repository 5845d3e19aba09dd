#pragma once

#include <string_view>

#include "gateway/base/buffer.h"
#include "gateway/net/transport.h"
#include "gateway/runtime/event_loop.h"

namespace gateway::net {

/// What a connection wants to send, gathered until the end of the turn so that what is made
/// together leaves together; big pieces pass without being copied. A member of the connection; not
/// thread-safe.
class Output {
 public:
  /// `sent` is called after each flush at the end of a turn. It may close the connection.
  Output(EventLoop& loop, Callback<> sent)
      : loop_(loop), sent_(sent), flush_(Callback<>::bind<&Output::on_turn_end>(this)) {}

  void attach(Transport& transport) { transport_ = &transport; }

  /// Codecs append here; call `later()` afterwards.
  Buffer& buffer() { return buffer_; }
  void later() { loop_.defer(flush_); }
  /// Body bytes: small ones are gathered, big ones written at once behind what is gathered.
  void append(std::string_view bytes);
  void flush();
  bool empty() const { return buffer_.empty(); }
  std::size_t size() const { return buffer_.size(); }
  /// Nothing is sent any more.
  void stop() {
    flush_.unlink();
    buffer_.clear();
  }

 private:
  void on_turn_end() {
    flush();
    sent_();
  }

  EventLoop& loop_;
  Callback<> sent_;
  Transport* transport_ = nullptr;
  Buffer buffer_;
  Deferred flush_;
};

}  // namespace gateway::net
