#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/kubernetes/api.h"

namespace gateway::kubernetes {

/// May this user do that? The attributes of a SubjectAccessReview (authorization.k8s.io/v1).
struct AccessQuestion {
  std::string user;
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};
  std::string verb;
  std::string api_group = {};
  std::string api_version = {};
  std::string resource;
  std::string subresource = {};
  std::string name = {};
  std::string namespace_name = {};
};

/// Interest in an answer. Destroying it calls it off; others who asked the same still hear theirs.
class AccessWait {
 public:
  virtual ~AccessWait() = default;
};

/// Asks the API server who may do what, and remembers its verdicts for ten seconds; questions that
/// are alike share one review. Without a verdict the answer is an error, never a yes. One thread;
/// `clock` and `api` outlive it, and it outlives those who wait.
class SubjectAccess {
 public:
  static constexpr Duration kKeep = std::chrono::seconds(10);
  /// Verdicts kept; callers are as many as there are users times metrics.
  static constexpr std::size_t kMostKept = 4096;
  using Answered = std::function<void(const Result<bool>& allowed)>;

  SubjectAccess(const Clock& clock, Api& api);
  ~SubjectAccess();
  SubjectAccess(const SubjectAccess&) = delete;
  SubjectAccess& operator=(const SubjectAccess&) = delete;

  /// `answered` is called once: from within when the verdict is known, and null is returned then.
  std::unique_ptr<AccessWait> ask(const AccessQuestion& question, Answered answered);

 private:
  class Waiter;
  struct Review;
  void on_answer(const std::string& key, const Result<ApiResponse>& result);
  void make_room();

  const Clock& clock_;
  Api& api_;
  std::map<std::string, std::unique_ptr<Review>, std::less<>> reviews_;  ///< by the request's body
};

}  // namespace gateway::kubernetes
