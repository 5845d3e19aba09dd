#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "gateway/base/buffer.h"
#include "gateway/base/pooled.h"
#include "gateway/downstream/handler.h"
#include "gateway/filter/filter.h"
#include "gateway/proxy/bound_route.h"
#include "gateway/upstream/call.h"

namespace gateway::proxy {

class Proxy;

/// The life of one request, in the order in which it happens:
///   run → route → filters (→ hold) → act: forward | redirect | fixed answer
///   forward: call ⇄ body both ways → response head → response filters → end
///   or, where the endpoint takes up a protocol that the client asked for: → tunnel → end
///   finish: counted and logged exactly once, however it ended
/// The two directions are independent: a response may begin and end before the request does.
class Exchange final : public downstream::Exchange,
                       public Pooled<Exchange>,
                       private upstream::CallObserver {
 public:
  Exchange(Proxy& proxy, downstream::Stream& stream);
  ~Exchange() override;

  /// Once, right after construction. May answer at once.
  void run();

  void on_request_body(std::string_view bytes) override;
  void on_request_trailers(http::HeaderList& trailers) override;
  void on_request_end() override;
  void on_request_failed(const Error& error) override;
  void on_writable() override;
  void on_abort(const Error& error) override;

 private:
  bool misdirected() const;
  void remove_identity_headers(http::HeaderList& headers) const;
  void run_request_filters();
  void on_resume(filter::Verdict verdict);
  template <typename Hook>
  void call_filters(unsigned hook, Hook&& call);
  void act();
  void redirect(const Result<std::string_view>& location, int status);
  void respond();
  void forward();
  void count_arrival();

  bool pass_stages(std::string_view& bytes);
  void write_early_body();
  bool prepare_head(http::ResponseHead& head);
  void start_tunnel(http::ResponseHead& head);
  void end_tunnel(ErrorCode code);

  void reply(const filter::LocalReply& reply);
  void reply(ErrorCode code);
  void reply_or_reset(const Error& error);
  void substitute(int status);
  upstream::Call& answering_call() { return substitute_call_ ? *substitute_call_ : call_; }
  void cancel_calls();
  void finish(int status, ErrorCode code);
  void log(int status, ErrorCode code);

  void on_call_ready() override;
  void on_informational(http::ResponseHead& head) override;
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view bytes) override;
  void on_response_trailers(http::HeaderList& trailers) override;
  void on_response_end() override;
  void on_call_failed(const Error& error) override;
  void on_call_writable() override;

  Proxy& proxy_;
  downstream::Stream& stream_;
  LocalPtr<BoundRoute> route_;
  LocalPtr<upstream::Upstream> upstream_;
  const routing::Match* match_ = nullptr;  ///< kept alive by route_
  filter::HoldTicket ticket_;
  filter::RequestContext context_;
  upstream::Call call_;
  std::unique_ptr<upstream::Call> substitute_call_;  ///< its answer goes out in place of call_'s
  Buffer early_body_;  ///< body bytes that came while a filter held the exchange
  http::HeaderList* request_trailers_ = nullptr;
  http::HeaderList response_trailers_;
  void** filter_data_ = nullptr;  ///< of each filter; null when none has a hook after on_request
  std::size_t next_filter_ = 0;   ///< filters before it have seen on_request
  std::string_view upgrade_;      ///< the protocol that is asked of the upstream; empty: none
  Duration tunnel_after_{};       ///< from the request's head to a tunnel's begin
  std::uint64_t request_bytes_ = 0;
  std::uint64_t response_bytes_ = 0;
  int status_ = 0;
  int dropped_status_ = 0;  ///< of the answer that was substituted
  bool calling_ = false;
  bool request_ended_ = false;
  bool response_ended_ = false;  ///< of a tunnel: the endpoint sends no more
  bool body_paused_ = false;
  bool response_paused_ = false;
  bool head_sent_ = false;
  bool arrived_ = false;
  bool takes_trailers_ = false;  ///< the client said `TE: trailers`
  bool finished_ = false;
};

}  // namespace gateway::proxy
