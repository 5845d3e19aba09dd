#include "gateway/kubernetes/settings_pool.h"

namespace gateway::kubernetes {

void SettingsPool::share(config::PolicySettings& settings) {
  const std::size_t hash = settings.options.hash();
  const auto [first, last] = known_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    if (known->second != settings) continue;
    settings = known->second;
    return;
  }
  if (known_.size() == kMost) known_.clear();
  known_.emplace(hash, settings);
}

}  // namespace gateway::kubernetes
