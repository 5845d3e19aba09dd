#include "gateway/upstream/active_health.h"

#include <algorithm>
#include <set>

namespace gateway::upstream {

/// The checks of one endpoint: a timer or a probe is always under way, never both.
class ActiveHealth::Check {
 public:
  Check(ActiveHealth& owner, const config::ActiveHealth& settings,
        std::shared_ptr<Endpoint> endpoint)
      : owner_(owner),
        settings_(settings),
        endpoint_(std::move(endpoint)),
        timer_(Callback<>::bind<&Check::start>(this)) {
    const Duration spread = std::min<Duration>(settings_.interval, std::chrono::seconds(1));
    timer_.arm(owner_.timers_, scaled(spread, owner_.random_.unit()));
  }

  /// Nobody will know any more: the endpoint counts as healthy.
  void give_up() { endpoint_->set_healthy(true, owner_.timers_.now()); }

 private:
  static Duration scaled(Duration duration, double factor) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
  }

  void start() {
    probe_ = owner_.prober_.probe(*endpoint_, settings_, Callback<bool>::bind<&Check::done>(this));
  }

  void done(bool good) {
    in_a_row_ = good == last_ ? in_a_row_ + 1 : 1;
    last_ = good;
    const std::uint32_t needed = good ? settings_.healthy_after : settings_.unhealthy_after;
    const bool changed = in_a_row_ >= needed && endpoint_->set_healthy(good, owner_.timers_.now());
    const Duration pause =
        endpoint_->healthy() ? settings_.interval : std::min(settings_.interval, kEager);
    timer_.arm(owner_.timers_, scaled(pause, 0.9 + 0.2 * owner_.random_.unit()));
    // Last: whoever listens may publish, and so end this check.
    if (changed && owner_.changed_) owner_.changed_(*endpoint_, good);
  }

  ActiveHealth& owner_;
  const config::ActiveHealth& settings_;
  std::shared_ptr<Endpoint> endpoint_;
  Timer timer_;
  std::unique_ptr<Probe> probe_;
  std::uint32_t in_a_row_ = 0;
  bool last_ = true;
};

ActiveHealth::ActiveHealth(TimerWheel& timers, Random& random, Prober& prober)
    : timers_(timers), random_(random), prober_(prober) {}

ActiveHealth::~ActiveHealth() = default;

void ActiveHealth::configure(const config::SharedList<config::Upstream>& upstreams) {
  std::map<std::string, Group, std::less<>> before = std::move(groups_);
  groups_.clear();
  std::set<std::string, std::less<>> known;
  for (const config::Upstream& upstream : upstreams) {
    known.insert(upstream.name);
    if (!upstream.active_health) continue;
    const auto it = before.find(upstream.name);
    if (it != before.end() && it->second.settings == *upstream.active_health) {
      groups_.insert(before.extract(it));
      continue;
    }
    Group& group = groups_[upstream.name];
    group.settings = *upstream.active_health;
    if (const auto set = sets_.find(upstream.name); set != sets_.end())
      start_checks(group, set->second);
  }
  std::erase_if(sets_, [&known](const auto& set) { return !known.contains(set.first); });
  for (const auto& [name, group] : before)
    if (!groups_.contains(name))
      for (const auto& [endpoint, check] : group.checks) check->give_up();
}

void ActiveHealth::update(const EndpointSetPtr& set) {
  sets_[set->upstream] = set;
  const auto it = groups_.find(set->upstream);
  if (it != groups_.end()) start_checks(it->second, set);
}

void ActiveHealth::start_checks(Group& group, const EndpointSetPtr& set) {
  std::map<const Endpoint*, std::unique_ptr<Check>> checks;
  for (const SetEntry& entry : set->entries) {
    auto& check = checks[entry.endpoint.get()];
    if (const auto it = group.checks.find(entry.endpoint.get()); it != group.checks.end())
      check = std::move(it->second);
    else
      check = std::make_unique<Check>(*this, group.settings, entry.endpoint);
  }
  group.checks = std::move(checks);
}

}  // namespace gateway::upstream
