#pragma once

#include <list>
#include <memory>

#include "gateway/custom_metrics/authorizer.h"
#include "gateway/kubernetes/subject_access.h"

namespace gateway::server {

/// Decides by SubjectAccessReviews. Control thread.
class ReviewAuthorizer final : public custom_metrics::Authorizer {
 public:
  /// Outlives it.
  explicit ReviewAuthorizer(kubernetes::SubjectAccess& access) : access_(access) {}

  void decide(const custom_metrics::Caller& caller, const custom_metrics::AccessRequest& request,
              Done done) override;

 private:
  using Waits = std::list<std::unique_ptr<kubernetes::AccessWait>>;
  kubernetes::SubjectAccess& access_;
  Waits waits_;
};

}  // namespace gateway::server
