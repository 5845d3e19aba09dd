#include "gateway/upstream/upstream.h"

#include <algorithm>

namespace gateway::upstream {
namespace {

constexpr Duration kCapacityPoll = std::chrono::milliseconds(20);

}  // namespace

Upstream::Upstream(EventLoop& loop, std::shared_ptr<const config::Upstream> settings,
                   std::shared_ptr<net::ClientTlsContext> tls, MetricsShard* metrics)
    : loop_(loop),
      settings_(std::move(settings)),
      tls_(std::move(tls)),
      metrics_(metrics),
      cells_(metrics != nullptr ? metrics->upstream(settings_->name)
                                : std::make_shared<UpstreamCells>()),
      picker_(PickSettings::of(*settings_), loop.random()),
      budget_(settings_->retries.budget, settings_->retries.budget_floor),
      resume_(Callback<>::bind<&Upstream::resume_waiting>(this)),
      sweep_(Callback<>::bind<&Upstream::sweep>(this)),
      poll_(Callback<>::bind<&Upstream::resume_waiting>(this)) {}

// Nobody pins it any more, so no call is under way: no connection carries a stream.
Upstream::~Upstream() {
  for (auto& [endpoint, pool] : pools_) pool->close_all();
  for (auto& pool : leaving_) pool->close_all();
}

void Upstream::configure(std::shared_ptr<const config::Upstream> settings) {
  settings_ = std::move(settings);
  picker_.configure(PickSettings::of(*settings_));
  budget_.configure(settings_->retries.budget, settings_->retries.budget_floor);
}

void Upstream::renew(std::shared_ptr<net::ClientTlsContext> tls) {
  tls_ = std::move(tls);
  if (!has_endpoints()) return;
  retire_pools();
  update(picker_.set());
}

void Upstream::retire_pools() {
  for (auto& [endpoint, pool] : pools_) {
    pool->retire();
    leaving_.push_back(std::move(pool));
  }
  pools_.clear();
}

void Upstream::update(EndpointSetPtr set) {
  by_index_.clear();
  std::unordered_map<const Endpoint*, std::unique_ptr<EndpointPool>> kept;
  for (const SetEntry& entry : set->entries) {
    const auto found = pools_.find(entry.endpoint.get());
    by_index_.push_back(found != pools_.end() ? found->second.get() : nullptr);
    if (found != pools_.end()) kept.insert(pools_.extract(found));
  }
  retire_pools();
  pools_ = std::move(kept);
  picker_.update(std::move(set));
  on_pool_unused();
  on_capacity();
}

// Of thousands of endpoints a worker may speak to few.
EndpointPool& Upstream::make_pool(std::uint32_t index) {
  const std::shared_ptr<Endpoint>& endpoint = picker_.set()->entries[index].endpoint;
  auto& made = pools_[endpoint.get()];
  if (!made) {
    auto cells = metrics_ != nullptr ? metrics_->endpoint(settings_->name, endpoint->label())
                                     : std::make_shared<EndpointCells>();
    made = std::make_unique<EndpointPool>(loop_, *this, endpoint, std::move(cells));
  }
  by_index_[index] = made.get();
  return *made;
}

void Upstream::sweep() {
  std::erase_if(leaving_, [](const auto& pool) { return pool->unused(); });
}

std::string_view Upstream::server_name(const Endpoint& endpoint) const {
  if (settings_->tls && !settings_->tls->server_name.empty()) return settings_->tls->server_name;
  return endpoint.host();
}

void Upstream::wait_for_capacity(CapacityWaiter& waiter) {
  waiting_.push_back(waiter);
  if (!poll_.armed()) poll_.arm(loop_.timers(), kCapacityPoll);
}

void Upstream::resume_waiting() {
  // Those that must go on waiting queue again, behind: one pass over those that are here now.
  IntrusiveList<CapacityWaiter, CapacityWaiter> now;
  now.take(waiting_);
  while (CapacityWaiter* waiter = now.pop_front()) waiter->on_capacity();
  if (!waiting_.empty() && !poll_.armed()) poll_.arm(loop_.timers(), kCapacityPoll);
}

bool Upstream::close_some_idle(const EndpointPool& except) {
  for (EndpointPool* pool : by_index_)
    if (pool != nullptr && pool != &except && pool->close_one_idle()) return true;
  return false;
}

std::size_t Upstream::connections() const {
  std::size_t count = 0;
  for (const auto& [endpoint, pool] : pools_) count += pool->connections();
  for (const auto& pool : leaving_) count += pool->connections();
  return count;
}

std::size_t Upstream::idle_connections() const {
  std::size_t count = 0;
  for (const auto& [endpoint, pool] : pools_) count += pool->idle_count();
  return count;
}

}  // namespace gateway::upstream
