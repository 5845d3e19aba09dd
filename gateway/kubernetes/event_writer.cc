#include "gateway/kubernetes/event_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/micro_time.h"
#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {
namespace {

constexpr int kNoSuchNamespace = 404;  // the namespace is on its way out, or gone
constexpr int kAlreadyThere = 409;     // it was said already
constexpr int kForbidden = 403;
constexpr Duration kLookEvery = std::chrono::minutes(1);

/// FNV-1a: names need to differ, not to be secret.
std::uint64_t hash_of(std::initializer_list<std::string_view> texts) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::string_view text : texts) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ 0xffU) * 0x100000001b3U;
  }
  return hash;
}

std::string shortened(std::string text) {
  if (text.size() <= kLongestMessage) return text;
  text.resize(kLongestMessage - 3);
  // Not in the middle of a character.
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80U) != 0) text.pop_back();
  return text + "...";
}

}  // namespace

EventText event_text(const Notice& notice, const EventWriter::Options& options) {
  // Events of what belongs to no namespace live in this one.
  const std::string space = notice.object.namespace_.empty() ? "default" : notice.object.namespace_;
  const auto now = options.wall_clock();
  const auto hour = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count();
  const std::string name =
      fmt::format("{}.{:016x}", notice.object.name.substr(0, 200),
                  hash_of({notice.uid, notice.reason, notice.message, std::to_string(hour)}));
  nlohmann::json regarding = {
      {"apiVersion", "networking.k8s.io/v1"}, {"kind", notice.kind}, {"name", notice.object.name}};
  if (!notice.object.namespace_.empty()) regarding["namespace"] = notice.object.namespace_;
  if (!notice.uid.empty()) regarding["uid"] = notice.uid;
  const nlohmann::json event = {
      {"apiVersion", "events.k8s.io/v1"},
      {"kind", "Event"},
      {"metadata", {{"name", name}, {"namespace", space}}},
      {"eventTime", micro_time(now)},
      {"reportingController", options.controller},
      {"reportingInstance", options.instance},
      {"action", "Translate"},
      {"reason", notice.reason},
      {"regarding", std::move(regarding)},
      {"note", shortened(notice.message)},
      {"type", notice.severity == Severity::warning ? "Warning" : "Normal"},
  };
  return {"/apis/events.k8s.io/v1/namespaces/" + percent_encode(space) + "/events",
          event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

EventWriter::EventWriter(TimerWheel& timers, Random& random, Api& api,
                         std::function<bool()> may_write, Options options)
    : timers_(timers),
      random_(random),
      api_(api),
      may_write_(std::move(may_write)),
      options_(std::move(options)),
      pace_(Callback<>::bind<&EventWriter::work>(this)),
      repeat_(Callback<>::bind<&EventWriter::work>(this)) {}

EventWriter::~EventWriter() = default;

void EventWriter::set_notices(const std::vector<Notice>& notices) {
  std::map<Notice, Said> next;
  for (const Notice& notice : notices) {
    auto known = notices_.extract(notice);
    if (known.empty())
      next.emplace(notice, Said());
    else
      next.insert(std::move(known));
  }
  notices_ = std::move(next);
  work();
}

void EventWriter::reconsider() {
  if (may_write_()) return work();
  pace_.cancel();
  repeat_.cancel();
  call_.reset();
}

const Notice* EventWriter::next_due() const {
  const auto due = std::find_if(notices_.begin(), notices_.end(), [&](const auto& each) {
    return !each.second.done || timers_.now() >= each.second.at + kRepeat;
  });
  return due == notices_.end() ? nullptr : &due->first;
}

void EventWriter::work() {
  if (call_ || pace_.armed() || !may_write_()) return;
  if (const Notice* notice = next_due()) return write(*notice);
  if (!notices_.empty()) repeat_.arm(timers_, kLookEvery);
}

void EventWriter::write(const Notice& notice) {
  EventText text = event_text(notice, options_);
  ApiRequest request;
  request.method = http::Method::post;
  request.path_and_query = std::move(text.path);
  request.body = std::move(text.body);
  call_ = api_.send(std::move(request), [this, notice](const Result<ApiResponse>& result) {
    on_written(notice, result);
  });
}

void EventWriter::on_written(const Notice& notice, const Result<ApiResponse>& result) {
  // The answer's closure, and with it `notice`, goes with the call.
  const auto call = std::move(call_);
  const auto known = notices_.find(notice);
  const int status = result ? result->status : 0;
  const bool settled = (result && result->ok()) || status == kAlreadyThere ||
                       status == kNoSuchNamespace || status == kForbidden;
  if (settled) {
    problem_ = status == kForbidden ? error_of(*result, "write an Event").detail : std::string();
    backoff_.reset();
    if (known != notices_.end()) known->second = {true, timers_.now()};
    pace_.arm(timers_, kSpacing);
    return;
  }
  problem_ = result ? error_of(*result, "write an Event").detail : result.error().to_string();
  pace_.arm(timers_, backoff_.next(random_));
}

}  // namespace gateway::kubernetes
