#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/address.h"
#include "gateway/base/arena.h"
#include "gateway/base/callback.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/result.h"
#include "gateway/config/field.h"
#include "gateway/config/model.h"
#include "gateway/downstream/handler.h"
#include "gateway/http/message.h"
#include "gateway/net/client_authorities.h"
#include "gateway/runtime/blocking_pool.h"
#include "gateway/runtime/event_loop.h"

namespace gateway {
class MetricsShard;
}
namespace gateway::upstream {
class Upstream;
}

/// A filter is one policy on a route. Life: its settings are validated by its field table,
/// `compile`d once per snapshot off the workers (Plan, immutable, shared), `bind`-ed once per
/// worker (Filter), and its hooks are called for each exchange. One file per policy, one row in
/// the table (gateway/filter/table.cc), whose order is the order in which filters run.
namespace gateway::filter {

/// What a filter answers instead of the upstream.
struct LocalReply {
  ErrorCode code = ErrorCode::none;  ///< decides status, log flag and text, unless overridden below
  int status = 0;                    ///< 0: the code's
  std::string_view text;             ///< empty: the code's sentence; must outlive the exchange
  http::HeaderList headers;          ///< WWW-Authenticate, Retry-After …, in the exchange's arena
  bool close = false;                ///< the connection can be of no use for this request
};

enum class Verdict : std::uint8_t {
  proceed,  ///< the next filter, then the upstream
  reply,    ///< RequestContext::reply says what; request filters after this one do not run
  hold,     ///< the filter has kept `RequestContext::ticket` and will resume it
};

struct RequestContext;

/// A held exchange's place in somebody's list. Unlinks itself when the exchange dies, so whoever
/// holds it needs no notice. Lives inside the exchange.
class HoldTicket : public ListHook<HoldTicket> {
 public:
  explicit HoldTicket(Callback<Verdict> resume) : resume_(resume) {}
  /// Goes on with `proceed` or `reply` (fill the context's reply first). Unlinks the ticket.
  void resume(Verdict verdict) {
    unlink();
    resume_(verdict);
  }
  /// The exchange's own, so that the holder can fill in user or reply before it resumes.
  RequestContext* context = nullptr;

 private:
  Callback<Verdict> resume_;
};

/// Sees a body pass. Made at head time by a filter that wants it; must live in the exchange's arena
/// or in the filter itself.
class BodyStage {
 public:
  /// May replace the view. An error ends the exchange: its code is the answer if none began yet.
  virtual Result<void> on_body(std::string_view& bytes) = 0;

 protected:
  ~BodyStage() = default;
};

/// A question whose answer the client gets in place of the upstream's.
struct Substitute {
  upstream::Upstream* upstream = nullptr;
  http::RequestHead head;  ///< without body; what it points to lives as long as the exchange
  Duration timeout{};      ///< to the head of the answer
};

/// What filters see of an exchange and may change in it. Views live as long as the exchange.
struct RequestContext {
  http::RequestHead& request;
  Arena& arena;
  const downstream::ConnectionFacts& connection;
  EventLoop& loop;
  HoldTicket& ticket;

  IpAddress client{};             ///< decided by client_address() before any filter runs
  bool peer_trusted = false;      ///< the connected peer is in the listener's trusted ranges
  std::string_view route{};       ///< its name
  std::string_view request_id{};  ///< set by request_id
  std::string_view user{};        ///< set by token
  std::string_view token_hash{};  ///< set by token: SHA-256, raw bytes; for rate limits by token
  LocalReply reply{};
  /// The called filter's own: null in on_request, in its other hooks what on_request left here.
  /// While a filter holds the exchange it stays that filter's.
  void* filter_data = nullptr;
  http::HeaderList response_headers{};  ///< set on whatever answer goes out, local replies included
  /// Made in the arena by on_response or on_failure: the upstream's answer is dropped where it
  /// stands, with the rest of the request's body, and this question is asked. Its answer passes
  /// through the response filters; where there is none, the client gets the dropped status with a
  /// line of text. Once in an exchange: who finds it set leaves it alone.
  Substitute* substitute = nullptr;

  static constexpr std::size_t kMaxStages = 4;
  std::array<BodyStage*, kMaxStages> request_stages{};
  std::size_t request_stage_count = 0;

  bool add_request_stage(BodyStage& stage) {
    if (request_stage_count == kMaxStages) return false;
    request_stages[request_stage_count++] = &stage;
    return true;
  }
};

/// How an exchange ended, for on_done.
struct Outcome {
  int status = 0;  ///< what the client got; 0: nothing
  ErrorCode error = ErrorCode::none;
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
};

/// The hooks, on one worker. Only those that `Plan::hooks` names are called.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual Verdict on_request(RequestContext&) { return Verdict::proceed; }
  /// Before the head goes to the client; not called for local replies.
  virtual void on_response(RequestContext&, http::ResponseHead&) {}
  /// The upstream gave no answer: the client is about to get this status from us. Not called for
  /// other local replies.
  virtual void on_failure(RequestContext&, int /*status*/) {}
  /// Exactly once for each exchange whose on_request was called, however it ended.
  virtual void on_done(RequestContext&, const Outcome&) {}
};

/// Things a filter may need on its worker. State that survives reloads is asked for by a key that
/// holds the filter's name and whichever settings the state depends on: equal key, same state.
class WorkerServices {
 public:
  virtual EventLoop& loop() = 0;
  virtual MetricsShard& metrics() = 0;
  /// Null when there is no such upstream (validation has seen to it that there is).
  virtual upstream::Upstream* upstream(std::string_view name) = 0;

  template <typename T, typename... Args>
  std::shared_ptr<T> state(const std::string& key, Args&&... args) {
    std::shared_ptr<void>& slot = state_slot(key);
    if (!slot) slot = std::make_shared<T>(std::forward<Args>(args)...);
    return std::static_pointer_cast<T>(slot);
  }

 protected:
  ~WorkerServices() = default;
  /// Slots that no bound filter uses any more are dropped some time after a reload.
  virtual std::shared_ptr<void>& state_slot(const std::string& key) = 0;
};

/// Process-wide things at compile time, off the workers.
class CompileServices {
 public:
  /// As WorkerServices::state, but shared by all workers: the state must be thread-safe (atomics).
  template <typename T, typename... Args>
  std::shared_ptr<T> shared_state(const std::string& key, Args&&... args) {
    std::shared_ptr<void> slot = find_slot(key);
    if (!slot) {
      slot = std::make_shared<T>(std::forward<Args>(args)...);
      keep_slot(key, slot);
    }
    return std::static_pointer_cast<T>(slot);
  }
  /// Reads a referenced secret; the error names file or variable, never the content.
  virtual Result<std::string> read_secret(const config::Value& reference) = 0;
  /// The process's, for what filters must not do on a loop; its threads begin with the first call.
  /// Outlives every plan and worker: whoever gives it work says itself when nobody waits any more.
  BlockingPool& blocking_pool() {
    if (!pool_) pool_ = std::make_unique<BlockingPool>(kBlockingThreads, kMostBlocking, "filters");
    return *pool_;
  }

 protected:
  ~CompileServices() = default;
  virtual std::shared_ptr<void> find_slot(const std::string& key) = 0;
  virtual void keep_slot(const std::string& key, std::shared_ptr<void> slot) = 0;

 private:
  static constexpr std::size_t kBlockingThreads = 2;
  static constexpr std::size_t kMostBlocking = 128;
  std::unique_ptr<BlockingPool> pool_;
};

inline constexpr unsigned kOnRequest = 1;
inline constexpr unsigned kOnResponse = 2;
inline constexpr unsigned kOnDone = 4;
inline constexpr unsigned kOnFailure = 8;

/// A compiled filter: immutable, shared by all workers and by snapshots with equal settings.
class Plan {
 public:
  virtual ~Plan() = default;
  virtual unsigned hooks() const = 0;
  /// Request headers that this filter alone may set: removed from every incoming request, on every
  /// route, and from trailers.
  virtual std::span<const std::string> identity_headers() const { return {}; }
  /// The same where the name may mean something else on other routes: the filter removes them from
  /// the head when it sets them, the exchange from the trailers of its own route.
  virtual std::span<const std::string> route_identity_headers() const { return {}; }
  /// False when what it was compiled from beside its options, a file, is not the same any more: the
  /// next configuration compiles it again. Blocks.
  virtual bool current() const { return true; }
  /// Request headers that it changes by its settings. The snapshot refuses another filter's
  /// identity headers among them: what says who the client is must come from who has checked it.
  virtual std::span<const std::string> edited_headers() const { return {}; }
  /// Who signs the certificates that clients of its routes' hosts are asked for in the handshake;
  /// null: they are not asked on its account.
  virtual std::shared_ptr<const net::ClientAuthority> client_authority() const { return nullptr; }
  virtual std::unique_ptr<Filter> bind(WorkerServices& services) const = 0;
};

/// One row of the table.
struct FilterType {
  config::Policy policy;
  Result<std::shared_ptr<const Plan>> (*compile)(const config::Value& options,
                                                 CompileServices& services);
  /// It asks who somebody is. A route without it is open to whom its owner wants kept out.
  bool login = false;
};

}  // namespace gateway::filter
