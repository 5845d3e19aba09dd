#include "gateway/kubernetes/subject_access.h"

#include <nlohmann/json.hpp>

#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {
namespace {

using nlohmann::json;

constexpr const char* kPath = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/// Who asks waits for it: the metrics API has five seconds in all.
constexpr Duration kDeadline = std::chrono::seconds(3);

std::string body_of(const AccessQuestion& question) {
  json attributes = {{"verb", question.verb},
                     {"group", question.api_group},
                     {"version", question.api_version},
                     {"resource", question.resource},
                     {"subresource", question.subresource},
                     {"name", question.name},
                     {"namespace", question.namespace_name}};
  const json review = {{"apiVersion", "authorization.k8s.io/v1"},
                       {"kind", "SubjectAccessReview"},
                       {"spec",
                        {{"user", question.user},
                         {"uid", question.uid},
                         {"groups", question.groups},
                         {"extra", question.extra},
                         {"resourceAttributes", std::move(attributes)}}}};
  // Names that are no UTF-8 are nobody's: what they become is asked about, and refused.
  return review.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<bool> verdict_of(const Result<ApiResponse>& result) {
  if (!result) return tl::make_unexpected(result.error());
  if (!result->ok()) return tl::make_unexpected(error_of(*result, "review access"));
  const json review = json::parse(result->body, nullptr, false);
  const auto status = review.is_object() ? review.find("status") : review.end();
  if (status == review.end() || !status->is_object() || !status->contains("allowed") ||
      !(*status)["allowed"].is_boolean())
    return failure(ErrorCode::upstream_protocol, Side::upstream, "review access: no verdict in it");
  return (*status)["allowed"].get<bool>();
}

}  // namespace

class SubjectAccess::Waiter final : public AccessWait, public ListHook<> {
 public:
  explicit Waiter(Answered answered) : answered_(std::move(answered)) {}
  void answer(const Result<bool>& allowed) {
    const Answered answered = std::move(answered_);
    answered(allowed);  // this object may be gone
  }

 private:
  Answered answered_;
};

/// One question: under way while `call` is there, answered until `expires` else.
struct SubjectAccess::Review {
  std::unique_ptr<ApiCall> call;
  IntrusiveList<Waiter> waiters;
  bool allowed = false;
  Instant expires{};
};

SubjectAccess::SubjectAccess(const Clock& clock, Api& api) : clock_(clock), api_(api) {}

SubjectAccess::~SubjectAccess() = default;

std::unique_ptr<AccessWait> SubjectAccess::ask(const AccessQuestion& question, Answered answered) {
  std::string key = body_of(question);
  auto found = reviews_.find(key);
  if (found != reviews_.end() && !found->second->call && clock_.now() < found->second->expires) {
    answered(found->second->allowed);
    return nullptr;
  }
  if (found == reviews_.end()) {
    make_room();
    found = reviews_.emplace(key, std::make_unique<Review>()).first;
  }
  Review& review = *found->second;
  auto waiter = std::make_unique<Waiter>(std::move(answered));
  review.waiters.push_back(*waiter);
  if (review.call) return waiter;
  ApiRequest request{.method = http::Method::post, .path_and_query = kPath, .body = key};
  request.deadline = kDeadline;
  review.call = api_.send(
      std::move(request),
      [this, key = std::move(key)](const Result<ApiResponse>& result) { on_answer(key, result); });
  return waiter;
}

void SubjectAccess::on_answer(const std::string& key, const Result<ApiResponse>& result) {
  const auto found = reviews_.find(key);
  const Result<bool> verdict = verdict_of(result);
  Review& review = *found->second;
  review.call.reset();
  IntrusiveList<Waiter> waiters;
  waiters.take(review.waiters);
  if (verdict) {
    review.allowed = *verdict;
    review.expires = clock_.now() + kKeep;
  } else {
    reviews_.erase(found);
  }
  while (Waiter* waiter = waiters.pop_front()) waiter->answer(verdict);
}

void SubjectAccess::make_room() {
  if (reviews_.size() < kMostKept) return;
  const Instant now = clock_.now();
  std::erase_if(reviews_, [now](const auto& each) {
    return !each.second->call && each.second->expires <= now;
  });
  // All of them fresh: forgetting costs a review each, keeping them all would cost memory.
  if (reviews_.size() >= kMostKept)
    std::erase_if(reviews_, [](const auto& each) { return !each.second->call; });
}

}  // namespace gateway::kubernetes
