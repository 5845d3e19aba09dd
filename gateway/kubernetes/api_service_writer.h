#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/kubernetes/backoff.h"
#include "gateway/kubernetes/object_watch.h"
#include "gateway/kubernetes/objects.h"
#include "gateway/runtime/timer.h"

namespace gateway::kubernetes {

/// Keeps `caBundle` of one APIService true, so that the API server believes our certificate.
/// Touches it only while its `spec.service` is our own Service: an API that somebody else serves is
/// told of and left alone. One thread.
class ApiServiceWriter {
 public:
  /// `name`: "v1beta2.custom.metrics.k8s.io". `may_write` is asked before each patch; `remark` gets
  /// lines for the log. All outlive it.
  ApiServiceWriter(TimerWheel& timers, Random& random, Api& api, std::string name,
                   ObjectName service, std::function<bool()> may_write,
                   std::function<void(const std::string&)> remark);

  void start() { watch_.start(); }
  /// PEM; what the API server is to believe from now on.
  void set_authorities(std::string pem);
  /// `may_write` has another answer from now on.
  void reconsider() { work(); }

  /// Why it is not followed now, or could not be written; empty when all is well.
  const std::string& problem() const { return problem_.empty() ? watch_.problem() : problem_; }

 private:
  enum class Owner : std::uint8_t { nobody, us, somebody_else };
  void on_object(std::string_view json);
  void work();
  void on_written(const Result<ApiResponse>& result);

  TimerWheel& timers_;
  Random& random_;
  Api& api_;
  const std::string name_;
  const ObjectName service_;
  const std::function<bool()> may_write_;
  const std::function<void(const std::string&)> remark_;
  std::string wanted_;  ///< in base64, as the object has it
  std::string seen_;
  Owner owner_ = Owner::nobody;
  std::unique_ptr<ApiCall> call_;
  Timer retry_;
  Backoff backoff_;
  std::string problem_;
  ObjectWatch watch_;
};

}  // namespace gateway::kubernetes
