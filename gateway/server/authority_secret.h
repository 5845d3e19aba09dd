#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/custom_metrics/serving_authority.h"
#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/object_watch.h"
#include "gateway/kubernetes/objects.h"
#include "gateway/runtime/timer.h"

namespace gateway::server {

/// The Secret that holds the replicas' authority: made, renewed and read (see ServingAuthority),
/// and a certificate of our own made from it whenever that is due. One thread.
class AuthoritySecret {
 public:
  struct Hooks {
    std::function<bool()> may_write;  ///< asked before each write
    /// Another certificate, or others to trust.
    std::function<void(const custom_metrics::ServingMaterial&)> changed;
    std::function<void(const std::string&)> remark;  ///< lines for the log
  };

  /// `names`: what our certificate is for. All outlive it.
  AuthoritySecret(TimerWheel& timers, Random& random, kubernetes::Api& api,
                  kubernetes::ObjectName secret, std::vector<std::string> names, Hooks hooks);

  void start() { watch_.start(); }
  /// `may_write` has another answer from now on.
  void reconsider();
  /// Why it is not followed now; empty when it is.
  const std::string& problem() const { return watch_.problem(); }

 private:
  static constexpr Duration kLookEvery = std::chrono::minutes(1);
  void on_object(std::string_view json);
  void look();
  void renew();
  void write(const custom_metrics::SecretData& wanted);
  void on_written(const Result<kubernetes::ApiResponse>& result);
  void issue_if_due();
  void remark_once(const std::string& remark);
  std::string collection_path() const;

  TimerWheel& timers_;
  Random& random_;
  kubernetes::Api& api_;
  const kubernetes::ObjectName secret_;
  const std::vector<std::string> names_;
  const Hooks hooks_;
  bool known_ = false;   ///< whether there is a Secret, and what is in it
  std::string version_;  ///< empty: there is none
  std::string type_;     ///< cannot be changed: it is written back as it was read
  custom_metrics::SecretData data_;
  custom_metrics::ServingMaterial material_;
  std::string remark_;
  std::unique_ptr<kubernetes::ApiCall> call_;
  Timer timer_;
  kubernetes::Backoff backoff_;
  kubernetes::ObjectWatch watch_;
};

}  // namespace gateway::server
