#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/random.h"
#include "gateway/kubernetes/api.h"
#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/json_lines.h"
#include "gateway/kubernetes/watch_event.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

/// An object as the server has it. Views live until the return of who is told of it.
struct WatchedObject {
  std::string_view namespace_;  ///< empty for what belongs to no namespace
  std::string_view name;
  std::string_view json;  ///< the bare object; `apiVersion` and `kind` may be missing from it
};

/// Who keeps the objects of a watch. None of these may destroy or stop the watch.
class WatchSink {
 public:
  /// The complete set, by namespace and name: whatever is not in it does not exist any more. Until
  /// it comes, what was known stays good.
  virtual void on_replace(const std::vector<WatchedObject>& objects) = 0;
  /// Added or changed.
  virtual void on_upsert(const WatchedObject& object) = 0;
  /// Its last state, or that in which it left the selection.
  virtual void on_delete(const WatchedObject& object) = 0;

 protected:
  ~WatchSink() = default;
};

/// Bounds of a watch. While a page or an event is read it takes some eight times its size.
struct WatchOptions {
  std::size_t max_object = std::size_t{4} << 20;     ///< bytes of one event; etcd keeps 1.5 MiB
  std::size_t max_page = std::size_t{8} << 20;       ///< bytes of one page of a list
  std::size_t max_objects = std::size_t{256} << 20;  ///< bytes of a complete set on its way
  std::uint32_t page_limit = 500;                    ///< objects
};

/// Since the start.
struct WatchCounters {
  std::uint64_t events = 0;  ///< changes told to the sink
  std::uint64_t bookmarks = 0;
  std::uint64_t replacements = 0;  ///< complete sets told to the sink
  std::uint64_t reconnects = 0;    ///< streams opened after one before had ended, however it did
  std::uint64_t relists = 0;       ///< lists begun because the versions known were of no more use
  std::uint64_t errors = 0;
};

/// Keeps a sink equal to a collection of the API server: first all objects, then each change, for
/// ever. Lists as a stream where the server can, by pages else; goes on from the last version after
/// any end; lists again when that is too old (410), while the sink keeps what it has. Nothing is
/// fatal: refused or unreachable, it tries again (see Backoff). Between lists it keeps no objects,
/// of an event at most the part that has come. One thread; `timers`, `random`, `api` and `sink`
/// outlive it.
class Watch final : private ApiStream {
 public:
  Watch(TimerWheel& timers, Random& random, Api& api, Collection collection, WatchSink& sink,
        const WatchOptions& options = {});
  ~Watch() { stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void start();
  /// Hears nothing more; what the sink has stays. Idempotent.
  void stop();

  /// A complete set has reached the sink; stays true.
  bool synced() const { return counters_.replacements != 0; }
  /// When the server last said anything about objects; the epoch before.
  Instant last_event() const { return last_event_; }
  const WatchCounters& counters() const { return counters_; }
  /// Why the objects are not being followed now; empty when they are. For logs and status pages.
  const std::string& problem() const { return problem_; }
  const Collection& collection() const { return collection_; }
  /// The version up to which the sink knows; empty before a complete set.
  const std::string& version() const { return version_; }

 private:
  enum class State : std::uint8_t { stopped, streaming_list, paging, following, pausing };
  /// A server that has not ended its streamed list by then is asked for pages.
  static constexpr Duration kStreamingListTime = std::chrono::seconds(10);
  /// A stream that ends sooner than this was not worth its connection.
  static constexpr Duration kShortStream = std::chrono::seconds(1);
  /// After so many refusals in a row to go on from a version, the version may be what is wrong.
  static constexpr std::uint32_t kMostRefusals = 3;
  /// Pages grow no further when a list took so long that its version was gone meanwhile.
  static constexpr std::uint32_t kMostOfPage = 8000;

  void begin();
  void list();
  void open_stream(State state, std::string path);
  void request_page();
  void on_page(Result<ApiResponse> result);
  void take_page(ListPage page);
  void on_page_refused(const ApiResponse& response);
  bool keep(std::string key, std::string_view object);
  void replace(std::string version);
  void list_again();

  void on_stream_open() override;
  void on_stream_bytes(std::string_view bytes) override;
  void on_stream_end(Result<ApiResponse> end) override;
  bool on_line(std::string_view line);
  void on_event(const WatchEvent& event);
  void gather(const WatchEvent& event);
  void finish_streaming_list(std::string version);
  void on_error_event(const WatchEvent& event);
  void on_refused(const ApiResponse& response);

  void lost(const Error& error);
  void pause(Duration wait);
  void on_timer();
  void drop_gathered();
  std::uint32_t timeout_seconds();

  TimerWheel& timers_;
  Random& random_;
  Api& api_;
  const Collection collection_;
  WatchSink& sink_;
  const WatchOptions options_;
  State state_ = State::stopped;
  std::unique_ptr<ApiCall> call_;
  Timer timer_;  ///< end of a pause, or of the patience with a streamed list
  JsonLines lines_;
  WatchReader reader_;
  Backoff backoff_;
  WatchCounters counters_;
  std::string version_;
  std::string problem_;
  Instant last_event_{};
  Instant opened_at_{};
  // A list on its way.
  std::map<std::string, std::string, std::less<>> gathered_;  ///< JSON by key
  std::size_t gathered_bytes_ = 0;
  std::string continue_token_;
  std::uint32_t page_limit_;
  std::uint32_t refusals_ = 0;  ///< in a row, of the current version
  bool can_stream_lists_ = true;
  bool agreed_ = false;  ///< the server has begun the stream of now
  bool streamed_before_ = false;
  bool heard_something_ = false;  ///< since the last list began
};

}  // namespace gateway::kubernetes
