#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/base/random.h"
#include "gateway/kubernetes/api.h"
#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/load_balancer.h"
#include "gateway/kubernetes/store.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

/// Keeps `status.loadBalancer` of our Ingresses true: writes what differs from what the API server
/// was last seen to have, and clears it on those that leave us. What fails is tried again, for as
/// long as it is still wanted. One thread.
class StatusWriter {
 public:
  /// Patches under way at a time.
  static constexpr std::size_t kMostCalls = 8;

  /// All outlive it. `may_write` is asked before each patch.
  StatusWriter(TimerWheel& timers, Random& random, Api& api, std::function<bool()> may_write);
  ~StatusWriter();
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  /// An Ingress as the API server has it.
  void seen(std::string_view ingress_json);
  /// Forgets those that do not exist any more.
  void keep(const ObjectTable<Ingress>::Map& existing);
  /// Those that are ours; what was and is not any more is cleared.
  void set_ingresses(const std::set<ObjectName>& ours);
  /// Until the first call nobody knows them, and our Ingresses keep those that they have.
  void set_addresses(LoadBalancerAddresses addresses);
  /// As before the first call.
  void forget_addresses() { addresses_.reset(); }
  /// `may_write` has another answer from now on.
  void reconsider();

  /// Why the last patch failed; empty when it did not.
  const std::string& problem() const { return problem_; }

 private:
  struct Entry {
    LoadBalancerAddresses seen;
    bool ours = false;
    bool was_ours = false;  ///< to be cleared
    std::unique_ptr<ApiCall> call;
  };
  using Entries = std::map<ObjectName, Entry>;

  bool is_due(const Entry& entry) const;
  const LoadBalancerAddresses& wanted(const Entry& entry) const;
  void work();
  void write(const ObjectName& name, Entry& entry);
  void on_written(const ObjectName& name, const LoadBalancerAddresses& written,
                  const Result<ApiResponse>& result);

  TimerWheel& timers_;
  Random& random_;
  Api& api_;
  const std::function<bool()> may_write_;
  Entries entries_;
  std::optional<LoadBalancerAddresses> addresses_;
  Backoff backoff_;
  Timer retry_;
  std::size_t calls_ = 0;
  std::string problem_;
};

}  // namespace gateway::kubernetes
