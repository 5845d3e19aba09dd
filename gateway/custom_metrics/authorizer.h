#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "gateway/custom_metrics/front_proxy.h"

namespace gateway::custom_metrics {

/// What somebody wants to do, in the words of a SubjectAccessReview.
struct AccessRequest {
  std::string verb;
  std::string group;
  std::string version;
  std::string resource;
  std::string subresource;
  std::string name;
  std::string name_space;
  bool operator==(const AccessRequest&) const = default;
};

/// Decides who may read a metric. Control thread.
class Authorizer {
 public:
  /// `unknown`: whoever knows could not be asked. That is an error, never a yes.
  enum class Verdict : std::uint8_t { allowed, denied, unknown };
  using Done = std::function<void(Verdict)>;

  virtual ~Authorizer() = default;
  /// `done` is called once, within or later.
  virtual void decide(const Caller& caller, const AccessRequest& request, Done done) = 0;
};

}  // namespace gateway::custom_metrics
