#include "gateway/kubernetes/watch.h"

#include <algorithm>

#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {
namespace {

constexpr int kGone = 410;
constexpr int kUnprocessable = 422;

/// Pages of big objects take their time.
constexpr Duration kPageDeadline = std::chrono::seconds(60);

/// Of a Retry-After, whoever wrote it.
constexpr Duration kMostWait = std::chrono::minutes(5);

WatchedObject watched(std::string_view key, std::string_view json) {
  const std::size_t slash = key.find('/');
  return {key.substr(0, slash), key.substr(slash + 1), json};
}

}  // namespace

Watch::Watch(TimerWheel& timers, Random& random, Api& api, Collection collection, WatchSink& sink,
             const WatchOptions& options)
    : timers_(timers),
      random_(random),
      api_(api),
      collection_(std::move(collection)),
      sink_(sink),
      options_(options),
      timer_(Callback<>::bind<&Watch::on_timer>(this)),
      lines_(options.max_object),
      page_limit_(options.page_limit) {}

void Watch::start() {
  if (state_ == State::stopped) begin();
}

void Watch::stop() {
  state_ = State::stopped;
  timer_.cancel();
  call_.reset();
  drop_gathered();
}

void Watch::begin() {
  if (version_.empty()) return list();
  open_stream(State::following, changes_path(collection_, version_, timeout_seconds()));
}

void Watch::list() {
  drop_gathered();
  heard_something_ = false;
  if (!can_stream_lists_) return request_page();
  open_stream(State::streaming_list, streaming_list_path(collection_, timeout_seconds()));
  timer_.arm(timers_, kStreamingListTime);
}

void Watch::open_stream(State state, std::string path) {
  state_ = state;
  if (streamed_before_) ++counters_.reconnects;
  streamed_before_ = true;
  agreed_ = false;
  opened_at_ = timers_.now();
  lines_.clear();
  call_ = api_.stream({.path_and_query = std::move(path)}, *this);
}

// The versions known are of no more use. The sink keeps what it has until the new set is complete.
void Watch::list_again() {
  ++counters_.relists;
  version_.clear();
  refusals_ = 0;
}

// Servers end streams by themselves; at different times, so that not all come back at once.
std::uint32_t Watch::timeout_seconds() { return 300 + random_.below(301); }

void Watch::drop_gathered() {
  gathered_.clear();
  gathered_bytes_ = 0;
  continue_token_.clear();
}

// --- Lists by pages

void Watch::request_page() {
  state_ = State::paging;
  timer_.cancel();
  ApiRequest request{.path_and_query = page_path(collection_, page_limit_, continue_token_)};
  request.deadline = kPageDeadline;
  request.max_response = options_.max_page;
  call_ = api_.send(std::move(request),
                    [this](Result<ApiResponse> result) { on_page(std::move(result)); });
}

void Watch::on_page(Result<ApiResponse> result) {
  if (!result && result.error().code == ErrorCode::resource_exhausted && page_limit_ > 1) {
    page_limit_ /= 2;  // fewer of the objects that are so big
    return request_page();
  }
  if (!result) return lost(result.error());
  if (!result->ok()) return on_page_refused(*result);
  auto page = reader_.read_page(result->body);
  if (!page) return lost(page.error());
  take_page(std::move(*page));
}

void Watch::take_page(ListPage page) {
  for (auto& [key, object] : page.objects)
    if (!keep(std::move(key), object)) return;
  continue_token_ = std::move(page.continue_token);
  if (!continue_token_.empty()) return request_page();
  replace(std::move(page.version));
  begin();
}

// Where the pages took so long that their version is gone (410), fewer and larger ones are sooner
// done. That there is a next page to ask for is what tells this from a list that is refused.
void Watch::on_page_refused(const ApiResponse& response) {
  const bool expired = response.status == kGone && !continue_token_.empty();
  if (!expired) return on_refused(response);
  page_limit_ = std::min(2 * page_limit_, kMostOfPage);
  ++counters_.relists;
  problem_ = error_of(response, "list " + collection_.path).detail;
  pause(backoff_.next(random_));
}

/// Into the set on its way; false when it has become too large, and the list is over.
bool Watch::keep(std::string key, std::string_view object) {
  std::string& text = gathered_[std::move(key)];
  gathered_bytes_ += object.size() - text.size();
  text = object;
  if (gathered_bytes_ <= options_.max_objects) return true;
  lost(Error(ErrorCode::resource_exhausted, Side::upstream, "the list is too large"));
  return false;
}

void Watch::replace(std::string version) {
  const auto gathered = std::exchange(gathered_, {});
  drop_gathered();
  version_ = std::move(version);
  page_limit_ = options_.page_limit;
  last_event_ = timers_.now();
  ++counters_.replacements;
  backoff_.reset();
  refusals_ = 0;
  problem_.clear();
  std::vector<WatchedObject> objects;
  objects.reserve(gathered.size());
  for (const auto& [key, json] : gathered) objects.push_back(watched(key, json));
  sink_.on_replace(objects);
}

// --- Streams

void Watch::on_stream_open() {
  agreed_ = true;
  if (state_ == State::following) problem_.clear();
}

void Watch::on_stream_bytes(std::string_view bytes) {
  const bool fits = lines_.feed(bytes, [this](std::string_view line) { return on_line(line); });
  if (fits) return;
  lost(Error(ErrorCode::resource_exhausted, Side::upstream,
             "an object is larger than " + std::to_string(options_.max_object) + " bytes"));
}

/// Whether the stream goes on.
bool Watch::on_line(std::string_view line) {
  const auto event = reader_.read_event(line);
  if (!event) {
    lost(event.error());
    return false;
  }
  if (event->type == WatchEvent::Type::error) {
    on_error_event(*event);
    return false;
  }
  on_event(*event);
  return state_ == State::streaming_list || state_ == State::following;
}

void Watch::on_event(const WatchEvent& event) {
  last_event_ = timers_.now();
  heard_something_ = true;
  refusals_ = 0;
  if (event.type == WatchEvent::Type::bookmark) ++counters_.bookmarks;
  if (state_ == State::streaming_list) return gather(event);
  backoff_.reset();
  version_ = event.version;
  if (event.type == WatchEvent::Type::bookmark) return;
  ++counters_.events;
  const WatchedObject object = watched(event.key, event.object);
  if (event.type == WatchEvent::Type::deleted)
    sink_.on_delete(object);
  else
    sink_.on_upsert(object);
}

// Changes may come in between, before the bookmark that ends the list.
void Watch::gather(const WatchEvent& event) {
  if (event.type == WatchEvent::Type::bookmark) {
    if (event.initial_events_end) finish_streaming_list(event.version);
    return;
  }
  if (event.type != WatchEvent::Type::deleted) {
    keep(event.key, event.object);
    return;
  }
  const auto gone = gathered_.find(event.key);
  if (gone == gathered_.end()) return;
  gathered_bytes_ -= gone->second.size();
  gathered_.erase(gone);
}

void Watch::finish_streaming_list(std::string version) {
  timer_.cancel();
  state_ = State::following;  // on the same stream
  replace(std::move(version));
}

// Inside a stream. 410: the version is too old. Anything else there means that the server's cache
// could not go on from it, which a list alone mends for certain.
void Watch::on_error_event(const WatchEvent& event) {
  const Status status = read_status(event.code, event.object);
  const bool at_once = status.code == kGone && heard_something_;
  problem_ = "watch " + collection_.path + ": " + status.to_string();
  if (status.code != kGone) ++counters_.errors;
  call_.reset();
  list_again();
  if (at_once) return begin();
  pause(status.code == kGone ? Backoff::brief(random_) : backoff_.next(random_));
}

void Watch::on_stream_end(Result<ApiResponse> end) {
  if (!end) return lost(end.error());
  if (end->status != 200) return on_refused(*end);
  if (state_ == State::streaming_list)
    return lost(Error(ErrorCode::truncated_response, Side::upstream,
                      "the stream ended before its list did"));
  // The server's time-out, or its shutdown.
  if (timers_.now() - opened_at_ < kShortStream) return pause(Backoff::brief(random_));
  begin();
}

// --- When it does not go well

void Watch::on_refused(const ApiResponse& response) {
  const bool first_words = state_ == State::streaming_list;
  if (first_words && response.status == kUnprocessable) {
    can_stream_lists_ = false;
    return request_page();
  }
  problem_ = error_of(response, "watch " + collection_.path).detail;
  if (response.status == kGone) {
    const bool at_once = state_ == State::following && heard_something_;
    list_again();
    return at_once ? begin() : pause(Backoff::brief(random_));
  }
  ++counters_.errors;
  if (state_ == State::following && ++refusals_ >= kMostRefusals) list_again();
  if (!response.retry_after) return pause(backoff_.next(random_));
  // As it was asked for, spread so that replicas do not come together.
  const Duration asked = std::min(*response.retry_after, kMostWait);
  pause(asked + Backoff::brief(random_));
}

// Unreachable, broken, silent, or talking nonsense. Where bytes came that were no use, trying again
// soon would bring the same ones: the pauses grow.
void Watch::lost(const Error& error) {
  ++counters_.errors;
  problem_ = "watch " + collection_.path + ": " + error.to_string();
  const bool nonsense =
      error.code == ErrorCode::resource_exhausted || error.code == ErrorCode::upstream_protocol;
  pause(nonsense ? backoff_.next(random_) : Backoff::brief(random_));
}

void Watch::pause(Duration wait) {
  state_ = State::pausing;
  call_.reset();
  drop_gathered();
  timer_.arm(timers_, wait);
}

void Watch::on_timer() {
  if (state_ == State::pausing) return begin();
  // The list's end did not come: this server does not stream lists, though it agreed to it. One
  // that has not even answered may be slow today only.
  if (agreed_) can_stream_lists_ = false;
  drop_gathered();
  request_page();
}

}  // namespace gateway::kubernetes
