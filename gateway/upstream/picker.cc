#include "gateway/upstream/picker.h"

#include <algorithm>

#include "gateway/base/check.h"

namespace gateway::upstream {
namespace {

// Most picks need one; what is left over is searched in order.
constexpr std::uint32_t kRounds = 4;

bool was_tried(const PickContext& context, const Endpoint& endpoint) {
  return std::ranges::find(context.tried, &endpoint) != context.tried.end();
}

}  // namespace

Picker::Picker(PickSettings settings, Random& random)
    : settings_(std::move(settings)), random_(random) {}

void Picker::update(EndpointSetPtr set) {
  balancer_.reset();
  sets_cookie_ = false;
  set_ = std::move(set);
  if (!set_ || set_->entries.empty()) return;
  const BalancerRow* row = find_balancer(settings_.balancer.type);
  GATEWAY_CHECK(row != nullptr);
  balancer_ = row->make(settings_.balancer.options, *set_, random_);
  sets_cookie_ = row->sets_cookie;
}

void Picker::configure(const PickSettings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  update(std::move(set_));
}

std::optional<Choice> Picker::pick(const PickContext& context, Instant now) {
  if (!balancer_) return std::nullopt;
  if (auto choice = choose(context, now)) return choice;
  return search(context, now);
}

std::optional<Choice> Picker::choose(const PickContext& context, Instant now) {
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    const std::uint32_t index = balancer_->pick(context, round);
    // A client that is bound already is not to be moved because its endpoint has just come back.
    const bool bound = sets_cookie_ && context.hash && round == 0;
    Endpoint& endpoint = *set_->entries[index].endpoint;
    if (!endpoint.healthy() || was_tried(context, endpoint)) continue;
    if (!ejected(endpoint, now)) {
      if (bound || warm(endpoint, now)) return at(index);
    } else if (try_trial(endpoint, context, now)) {
      return at(index, true);
    }
  }
  return std::nullopt;
}

// Few endpoints are left, or all are cold: looks at each, from a random one on, and takes the best.
std::optional<Choice> Picker::search(const PickContext& context, Instant now) {
  const auto size = static_cast<std::uint32_t>(set_->entries.size());
  std::optional<Choice> tried;
  std::optional<Choice> panic;
  std::uint32_t index = random_.below(size);
  for (std::uint32_t i = 0; i < size; ++i, index = index + 1 == size ? 0 : index + 1) {
    Endpoint& endpoint = *set_->entries[index].endpoint;
    if (!endpoint.healthy()) continue;
    if (ejected(endpoint, now)) {
      if (try_trial(endpoint, context, now)) return at(index, true);
      if (endpoint.accepts_connections() && (!panic || was_tried(context, *panic->endpoint)))
        panic = at(index);
    } else if (was_tried(context, endpoint)) {
      tried = at(index);
    } else {
      return at(index);
    }
  }
  return tried ? tried : panic;
}

bool Picker::warm(const Endpoint& endpoint, Instant now) {
  if (settings_.slow_start == Duration::zero()) return true;
  const double warmth = endpoint.warmth(now, settings_.slow_start);
  return warmth >= 1 || random_.unit() < warmth;
}

bool Picker::try_trial(Endpoint& endpoint, const PickContext& context, Instant now) const {
  return context.tried.empty() && endpoint.claim_trial(now, settings_.passive.trial_interval);
}

bool Picker::report(Endpoint& endpoint, Outcome outcome, Instant started, Instant now) {
  if (started < endpoint.changed_at()) return false;
  if (outcome != Outcome::success) return report_failure(endpoint, outcome, now);
  endpoint.set_accepts_connections(true);
  endpoint.count_success();
  if (endpoint.ejected_until() != Instant()) endpoint.recover(now);
  return false;
}

bool Picker::report_failure(Endpoint& endpoint, Outcome outcome, Instant now) {
  endpoint.set_accepts_connections(outcome == Outcome::failure);
  const std::uint32_t failures = endpoint.count_failure();
  if (!settings_.passive.enabled) return false;
  const bool enough =
      outcome == Outcome::connect_failed || failures >= settings_.passive.consecutive_failures;
  if (!enough || !(endpoint.ejected(now) || may_eject(now))) return false;
  return endpoint.eject(now + settings_.passive.ejection, now);
}

// At least one endpoint may be out, unless none may be.
bool Picker::may_eject(Instant now) const {
  const std::uint32_t percent = settings_.passive.max_ejected_percent;
  if (percent >= 100 || !set_) return true;
  const auto out = std::ranges::count_if(
      set_->entries, [now](const SetEntry& entry) { return entry.endpoint->ejected(now); });
  const auto most =
      std::max<std::size_t>(percent > 0 ? 1 : 0, set_->entries.size() * percent / 100);
  return static_cast<std::size_t>(out) < most;
}

}  // namespace gateway::upstream
