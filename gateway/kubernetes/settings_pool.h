#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "gateway/config/model.h"
#include "gateway/kubernetes/ingress_plan.h"

namespace gateway::kubernetes {

/// Lets equal settings share what they hold: most Ingresses of a cluster ask for the same. Holds
/// what it was given for as long as it likes: nothing that was read from a Secret.
class SettingsPool {
 public:
  void share(config::PolicySettings& settings);
  /// Null stays null.
  void share(std::shared_ptr<const config::PolicySettings>& settings);
  void share(PlanPtr& plan);

 private:
  /// Either begins anew with more: what differs everywhere need not be kept.
  static constexpr std::size_t kMost = 1024;

  std::unordered_multimap<std::size_t, config::PolicySettings> settings_;
  std::unordered_multimap<std::size_t, std::shared_ptr<const config::PolicySettings>> pointers_;
  std::unordered_multimap<std::size_t, PlanPtr> plans_;
};

}  // namespace gateway::kubernetes
