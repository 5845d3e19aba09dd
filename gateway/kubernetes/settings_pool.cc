#include "gateway/kubernetes/settings_pool.h"

#include "gateway/base/hash.h"

namespace gateway::kubernetes {
namespace {

// What is known and equal; null when there is none.
template <typename Known, typename Equal>
const typename Known::mapped_type* find_equal(const Known& known, std::size_t hash, Equal equal) {
  const auto [first, last] = known.equal_range(hash);
  for (auto other = first; other != last; ++other)
    if (equal(other->second)) return &other->second;
  return nullptr;
}

template <typename Known>
void keep(Known& known, std::size_t most, std::size_t hash, typename Known::mapped_type mine) {
  if (known.size() == most) known.clear();
  known.emplace(hash, std::move(mine));
}

// Of what differs most between plans; the rest is compared.
std::size_t hash_of(const IngressPlan& plan) {
  std::size_t hash = mix(plan.upstream.balancer.options.hash(),
                         static_cast<std::uint64_t>(plan.read_timeout.count()));
  for (const config::PolicySettings& each : plan.filters) hash = mix(hash, each.options.hash());
  for (const AskedService& each : plan.asked) hash = hash_bytes(each.service.key(), hash);
  for (const std::string* text :
       {&plan.rewrite_target, &plan.upstream_host, &plan.upstream.server_name, &plan.app_root})
    hash = hash_bytes(*text, hash);
  return hash;
}

}  // namespace

void SettingsPool::share(config::PolicySettings& settings) {
  const std::size_t hash = settings.options.hash();
  if (const auto* equal = find_equal(settings_, hash, [&](const auto& e) { return e == settings; }))
    settings = *equal;
  else
    keep(settings_, kMost, hash, settings);
}

void SettingsPool::share(std::shared_ptr<const config::PolicySettings>& settings) {
  if (settings == nullptr) return;
  const std::size_t hash = settings->options.hash();
  const auto same = [&](const auto& other) { return *other == *settings; };
  if (const auto* equal = find_equal(pointers_, hash, same))
    settings = *equal;
  else
    keep(pointers_, kMost, hash, settings);
}

void SettingsPool::share(PlanPtr& plan) {
  const std::size_t hash = hash_of(*plan);
  if (const auto* equal = find_equal(plans_, hash, [&](const auto& e) { return *e == *plan; })) {
    plan = *equal;
    return;
  }
  auto own = std::make_shared<IngressPlan>(*plan);
  for (config::PolicySettings& each : own->filters) share(each);
  plan = std::move(own);
  keep(plans_, kMost, hash, plan);
}

}  // namespace gateway::kubernetes
