#include "gateway/kubernetes/lease.h"

#include <nlohmann/json.hpp>

#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/micro_time.h"
#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {
namespace {

using nlohmann::json;

constexpr int kCreated = 201;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::int64_t seconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

Lease::Lease(TimerWheel& timers, Random& random, const Clock& clock, Api& api, LeaseOptions options,
             std::function<void(bool leader)> on_change)
    : timers_(timers),
      random_(random),
      clock_(clock),
      api_(api),
      options_(std::move(options)),
      on_change_(std::move(on_change)),
      retry_(Callback<>::bind<&Lease::tick>(this)),
      deadline_(Callback<>::bind<&Lease::on_deadline>(this)) {}

Lease::~Lease() = default;

void Lease::start() { tick(); }

bool Lease::is_leader() const {
  return leader_ && clock_.now() < renewed_at_ + options_.renew_deadline;
}

std::string Lease::path() const {
  return "/apis/coordination.k8s.io/v1/namespaces/" + percent_encode(options_.namespace_name) +
         "/leases";
}

// Whoever does not know what the server has looks first: a leader that was stopped for a while, or
// whose last write has an unknown outcome.
void Lease::tick() {
  retry_.arm(timers_, options_.retry + Backoff::spread(options_.retry / 5, random_));
  if (call_) return;
  if (leader_ && !is_leader()) set_leader(false);
  if (is_leader() && version_known_) return write(options_.identity, options_.duration);
  read();
}

void Lease::on_deadline() {
  if (!is_leader()) return set_leader(false);
  // The wheel's time is that of the turn, a little behind the clock's.
  deadline_.arm(timers_, renewed_at_ + options_.renew_deadline - clock_.now());
}

void Lease::set_leader(bool leader) {
  if (!leader) deadline_.cancel();
  if (leader_ == leader) return;
  leader_ = leader;
  if (on_change_) on_change_(leader);
}

void Lease::send(ApiRequest request, std::function<void(const Result<ApiResponse>&)> answered) {
  request.deadline = options_.renew_deadline / 2;
  call_ = api_.send(std::move(request),
                    [this, answered = std::move(answered)](const Result<ApiResponse>& result) {
                      call_.reset();
                      writing_ = false;
                      answered(result);
                    });
}

void Lease::read() {
  send({.path_and_query = path() + "/" + percent_encode(options_.name)},
       [this](const Result<ApiResponse>& result) { on_read(result); });
}

void Lease::on_read(const Result<ApiResponse>& result) {
  if (releasing()) return release_if_ours(result && result->ok() && observe(result->body));
  if (!result) {
    problem_ = "read the Lease: " + result.error().to_string();
    return;
  }
  if (result->not_found()) {
    lease_.reset();
    holder_.clear();
    return write(options_.identity, options_.duration);
  }
  if (!result->ok() || !observe(result->body)) {
    problem_ = error_of(*result, "read the Lease").detail;
    return;
  }
  problem_.clear();
  if (may_take()) return write(options_.identity, options_.duration);
  set_leader(false);
}

/// Takes note of the Lease as the server has it; false when the text is none.
bool Lease::observe(const std::string& body) {
  json lease = json::parse(body, nullptr, false);
  if (!lease.is_object() || !lease["metadata"].is_object()) return false;
  if (!lease["spec"].is_object()) lease["spec"] = json::object();
  const json& spec = lease["spec"];
  holder_ = text_of(spec, "holderIdentity");
  holders_duration_ = std::chrono::seconds(number_of(spec, "leaseDurationSeconds"));
  std::string record = spec.dump(-1, ' ', false, json::error_handler_t::replace);
  if (record != record_) observed_at_ = clock_.now();
  record_ = std::move(record);
  lease_ = std::make_unique<json>(std::move(lease));
  version_known_ = true;
  return true;
}

bool Lease::may_take() const {
  if (holder_.empty() || holder_ == options_.identity) return true;
  const Duration duration =
      holders_duration_ > Duration::zero() ? holders_duration_ : options_.duration;
  return clock_.now() >= observed_at_ + duration;
}

/// With the version last read: of two who try, one fails.
void Lease::write(const std::string& holder, Duration duration) {
  const bool create = !lease_;
  json lease =
      create ? json{{"apiVersion", "coordination.k8s.io/v1"},
                    {"kind", "Lease"},
                    {"metadata", {{"name", options_.name}, {"namespace", options_.namespace_name}}},
                    {"spec", json::object()}}
             : *lease_;
  json& spec = lease["spec"];
  const std::string now = micro_time(options_.wall_clock());
  if (text_of(spec, "holderIdentity") != holder && !holder.empty()) {
    spec["acquireTime"] = now;
    spec["leaseTransitions"] = create ? 0 : number_of(spec, "leaseTransitions") + 1;
  }
  spec["holderIdentity"] = holder;
  spec["leaseDurationSeconds"] = seconds_of(duration);
  spec["renewTime"] = now;
  ApiRequest request;
  request.method = create ? http::Method::post : http::Method::put;
  request.path_and_query = create ? path() : path() + "/" + percent_encode(options_.name);
  request.body = lease.dump(-1, ' ', false, json::error_handler_t::replace);
  version_known_ = false;  // until the answer says otherwise
  writing_ = true;
  send(std::move(request), [this, sent_at = clock_.now()](const Result<ApiResponse>& result) {
    on_written(result, sent_at);
  });
}

void Lease::on_written(const Result<ApiResponse>& result, Instant sent_at) {
  if (releasing()) return release_if_ours(result && result->ok() && observe(result->body));
  if (!result) {
    problem_ = "write the Lease: " + result.error().to_string();
    return;
  }
  if (result->conflict() || result->not_found()) return set_leader(false);
  const bool written = result->status == 200 || result->status == kCreated;
  if (!written || !observe(result->body)) {
    problem_ = error_of(*result, "write the Lease").detail;
    return;
  }
  problem_.clear();
  // Counted from before the write: the others may have seen it at any moment after that.
  renewed_at_ = sent_at;
  const Duration left = renewed_at_ + options_.renew_deadline - clock_.now();
  if (left <= Duration::zero()) return set_leader(false);
  deadline_.arm(timers_, left);
  set_leader(true);
}

void Lease::release(std::function<void()> done) {
  const bool held = is_leader() || writing_;
  retry_.cancel();
  set_leader(false);
  on_released_ = std::move(done);
  // What the Lease says after a write is told by its answer. A reader who does not lead has nothing
  // to give back; one who does has lost sight of the version, which the answer brings.
  if (call_ && held) return;
  call_.reset();
  release_if_ours(held && version_known_);
}

/// The last step of a release, and once more when its own write is answered. What is not known to
/// be ours is not written to; the others wait until it has run out.
void Lease::release_if_ours(bool seen) {
  if (seen && holder_ == options_.identity && !std::exchange(release_sent_, true))
    return write({}, std::chrono::seconds(1));
  const auto done = std::exchange(on_released_, {});
  done();
}

}  // namespace gateway::kubernetes
