#pragma once

#include <cstdint>

#include "gateway/net/io_buffers.h"
#include "gateway/net/transport.h"
#include "gateway/runtime/fd_watcher.h"
#include "gateway/runtime/timer.h"

namespace gateway::net {

/// What plain and TLS transports share: the descriptor, readiness, the queue of bytes that the
/// system did not take, connecting, and telling the owner of what happened only from the loop.
class SocketTransport : public Transport {
 public:
  SocketTransport(EventLoop& loop, int fd, const SocketAddress& peer, const SocketAddress& local,
                  TransportOwner& owner);
  ~SocketTransport() override;

  std::size_t queued() const final { return queue_.size(); }
  void read_stop() final;
  void read_start() final;
  bool reading() const final { return reading_; }
  void notice_loss(Duration within) final;
  void shutdown_write() final;
  void close() final;
  void abort() final;
  bool closed() const final { return state_ == State::closed; }

 protected:
  enum class State : std::uint8_t { connecting, starting, open, failed, closed };

  /// An accepted descriptor: `on_connected` comes at the end of the turn, then `early`.
  void start_accepted(std::string_view early);
  /// A new descriptor; errors come later.
  void start_connecting(Duration timeout);

  /// The stream of bytes stands.
  virtual void on_connected() = 0;
  /// Bytes, at the front of the shared buffer that `receive_buffer` names. Not empty.
  virtual void on_received(std::string_view bytes) = 0;
  virtual void on_end_of_stream() = 0;
  /// Where recv() puts bytes.
  virtual std::span<char> receive_buffer() = 0;
  /// Last words before the FIN (TLS: close_notify); may call `send`.
  virtual void say_goodbye() {}
  /// Which error a broken connection is, before and after it was open.
  virtual ErrorCode lost_code() const;

  /// What has come, at once: the system would wait for something to send, or 40 ms.
  void acknowledge();
  /// To the system as far as it takes, the rest to the queue.
  void send(std::span<const iovec> pieces);

  // Upcalls; all but `fail_later` only from the loop.
  void tell_open();
  void deliver(std::string_view plain);
  void tell_eof();
  void fail(const Error& error);
  /// From inside a call of the owner.
  void fail_later(Error error);

  /// One bound for everything until the transport is open.
  void arm_deadline(Duration timeout, ErrorCode code);

  State state() const { return state_; }
  bool usable() const { return state_ == State::open; }
  /// Like fail, but the owner may still write, which the socket is fit for.
  void refuse(const Error& error);
  /// Bytes that reading was stopped in front of: they come through `on_received` after
  /// `read_start`.
  void keep_unread(std::string_view bytes);
  EventLoop& loop() { return loop_; }
  IoBuffers& io() { return io_; }
  Side side() const { return side_; }

  TransportOwner& owner_;

 private:
  struct Deadline;

  void on_events(int events);
  void read_ready();
  void flush_queue();
  void finish_connecting();
  void run_later();
  void on_deadline();
  void release();
  void update_interest();
  void finish_shutdown();
  void queue_rest(std::span<const iovec> pieces, std::size_t taken);

  EventLoop& loop_;
  IoBuffers& io_;
  FdWatcher watcher_;
  Deferred later_;
  Buffer queue_;
  Buffer early_;
  std::unique_ptr<Error> later_error_;
  std::unique_ptr<Deadline> deadline_;
  int fd_;
  State state_ = State::starting;
  Side side_ = Side::downstream;
  bool reading_ = true;
  bool eof_ = false;
  bool shutting_ = false;  // FIN once the queue is empty
  bool shut_ = false;
  bool in_upcall_ = false;
};

/// The plain half of `connect_transport`.
std::unique_ptr<Transport> connect_tcp(EventLoop& loop, const SocketAddress& peer, Duration timeout,
                                       TransportOwner& owner);

}  // namespace gateway::net
