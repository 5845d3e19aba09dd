#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/base/buffer.h"
#include "gateway/base/local_ptr.h"
#include "gateway/http/message.h"
#include "gateway/runtime/timer.h"
#include "gateway/upstream/client_connection.h"
#include "gateway/upstream/endpoint.h"
#include "gateway/upstream/endpoint_pool.h"
#include "gateway/upstream/limits.h"
#include "gateway/upstream/upstream.h"

namespace gateway::upstream {

/// Who made a call. After on_response_end or on_call_failed nothing else comes, except that the
/// call of a tunnel goes on until both directions have ended. The observer may cancel or destroy
/// the call from within any of these.
class CallObserver {
 public:
  /// An attempt has a stream: a request body is wanted now (100-continue).
  virtual void on_call_ready() = 0;
  virtual void on_informational(http::ResponseHead& head) = 0;
  /// Views live until the return.
  virtual void on_response_head(http::ResponseHead& head) = 0;
  virtual void on_response_body(std::string_view bytes) = 0;
  virtual void on_response_trailers(http::HeaderList& trailers) = 0;
  virtual void on_response_end() = 0;
  virtual void on_call_failed(const Error& error) = 0;
  /// After writable() was false: more of the body may be written.
  virtual void on_call_writable() = 0;

 protected:
  ~CallObserver() = default;
};

struct CallOptions {
  /// Else the upstream's. Measured from the last byte of the request.
  std::optional<Duration> request_timeout;
  std::optional<Duration> idle_timeout;
  std::optional<std::uint64_t> hash;  ///< for balancers that bind requests to endpoints
  bool retry = true;
  /// A protocol to change over to, for a request without body; empty: none. Lives as long as the
  /// call.
  std::string_view upgrade = {};
};

/// One request that we make to an upstream: picks an endpoint, takes a stream slot, sends, and
/// tries again where that is safe and within the budget. Body and answer stream in both directions
/// at once. A member of its maker; one use; not thread-safe. What it never does: send a request
/// again that may have been executed, unless its method is idempotent (RFC 9110 §9.2.2).
class Call final : private ClientStreamEvents, private PoolWaiter, private CapacityWaiter {
 public:
  Call() : timer_(Callback<>::bind<&Call::on_timer>(this)) {}
  ~Call() { cancel(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// `head` and what it points to must live as long as the call; hop-by-hop fields are gone
  /// already. The observer may hear on_call_failed, or anything else, from within.
  void start(LocalPtr<Upstream> upstream, const http::RequestHead& head, CallObserver& observer,
             const CallOptions& options);
  /// Only if head.body.has_body(). Never fails: a broken attempt tells the observer.
  void write_body(std::string_view bytes);
  /// The request is complete. For a request without body `start` implies it.
  void end_body(http::HeaderList* trailers);
  /// From within on_response_head, for a 101: the endpoint has taken up `CallOptions::upgrade`. The
  /// body begins anew: write_body and on_response_body are a tunnel's bytes now, end_body ends our
  /// direction alone. A tunnel that is silent both ways for `timeouts.tunnel_idle` fails.
  void start_tunnel();
  bool writable() const;
  void pause_response();
  void resume_response();
  /// Cuts every link, on both ends. Nothing is called afterwards. Idempotent.
  void cancel();

  bool active() const { return observer_ != nullptr; }
  /// The endpoint of the current or last attempt; null when there was none.
  const Endpoint* endpoint() const { return last_endpoint_; }
  std::uint32_t attempts() const { return attempts_; }
  bool tunnel() const { return tunnel_; }
  /// From the start to the response's head; zero before.
  Duration time_to_head() const { return time_to_head_; }

 private:
  static constexpr std::size_t kMaxTried = 8;
  /// Body bytes held while there is no stream; the maker stops writing above it.
  static constexpr std::size_t kMaxPending = 64 * 1024;

  void try_start();
  void wait_for_capacity();
  void begin_attempt(const Choice& choice);
  void send_request();
  void end_request();
  void arm_timer();
  void on_timer();
  bool try_again(const Error& error);
  bool may_repeat(const Error& error) const;
  bool retry_status(int status);
  void report(Outcome outcome);
  void end_attempt();
  void count_end();
  void leave_queue();
  void fail(const Error& error);
  void fail_without_endpoint();
  void report_timeout();
  void detach();
  Duration request_timeout() const;
  Duration idle_timeout() const;

  void on_connection(ClientConnection& connection) override;
  void on_no_connection(const Error& error) override;
  void on_no_place() override;
  void on_capacity() override;

  void on_informational(http::ResponseHead& head) override;
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view bytes) override;
  void on_response_trailers(http::HeaderList& trailers) override;
  void on_response_end() override;
  void on_stream_writable() override;
  void on_stream_failed(const Error& error) override;

  LocalPtr<Upstream> upstream_;
  const http::RequestHead* head_ = nullptr;
  CallObserver* observer_ = nullptr;
  CallOptions options_;
  ClientConnection* connection_ = nullptr;
  http::StreamId stream_ = 0;
  EndpointUse use_;
  Place request_place_;
  Place waiting_place_;
  Buffer pending_;  ///< body bytes that wait for a stream
  Timer timer_;
  Instant started_{};
  Instant attempt_started_{};
  Instant last_activity_{};  ///< last request byte, then last response byte
  Duration time_to_head_{};
  std::array<const Endpoint*, kMaxTried> tried_{};
  const Endpoint* last_endpoint_ = nullptr;
  EndpointCells* attempt_cells_ = nullptr;  ///< of the attempt under way; its pool keeps them
  Duration attempt_took_{};                 ///< until its head came
  int status_ = 0;                          ///< of the attempt's answer; 0: none yet
  std::uint64_t bytes_sent_ = 0;            ///< of the body
  std::uint64_t bytes_received_ = 0;
  std::uint32_t attempts_ = 0;
  http::HeaderList* trailers_ = nullptr;
  ErrorCode cause_ = ErrorCode::none;  ///< of the attempt that failed last
  bool body_expected_ = false;
  bool body_ended_ = false;
  bool body_sent_ = false;  ///< some of the body was given to an attempt
  bool head_received_ = false;
  bool response_paused_ = false;
  bool tunnel_ = false;
  bool response_ended_ = false;  ///< of a tunnel
};

}  // namespace gateway::upstream
