#include "gateway/kubernetes/pod_names.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/kubernetes/collection.h"
#include "gateway/kubernetes/json_reader.h"
#include "gateway/kubernetes/status.h"

namespace gateway::kubernetes {
namespace {

/// An autoscaler waits for it.
constexpr Duration kPodsDeadline = std::chrono::seconds(2);
/// Names without the rest of the pods, from a server that can.
constexpr std::string_view kNamesAlone =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

// What the server has in memory is new enough: autoscalers know pods from there too.
std::string pods_path(const std::string& name_space, const std::string& selector) {
  return fmt::format("/api/v1/namespaces/{}/pods?resourceVersion=0&labelSelector={}",
                     percent_encode(name_space), percent_encode(selector));
}

Result<PodNames::Names> names_in(const Result<ApiResponse>& result) {
  if (!result || !result->ok()) {
    Error error = result ? error_of(*result, "list the pods of a selector") : result.error();
    const bool refused = result && result->status == 400;
    error.code = refused ? ErrorCode::bad_request : ErrorCode::no_endpoint;
    return tl::make_unexpected(std::move(error));
  }
  return read_json<PodNames::Names>(result->body, "pods", [](const JsonValue& root) {
    PodNames::Names names;
    if (!root["items"].present()) root["items"].expect("a list");
    root["items"].each([&](const JsonValue& pod) { names.insert(pod["metadata"]["name"].text()); });
    return names;
  });
}

}  // namespace

/// Under way while `call` is there, known until `expires` else.
struct PodNames::Selection {
  std::unique_ptr<ApiCall> call;
  std::vector<Answered> waiters;
  Result<Names> names;
  Instant expires{};
};

PodNames::PodNames(const Clock& clock, Api& api) : clock_(clock), api_(api) {}

PodNames::~PodNames() = default;

void PodNames::ask(const std::string& name_space, const std::string& selector, Answered answered) {
  std::string path = pods_path(name_space, selector);
  auto found = selections_.find(path);
  if (found != selections_.end() && !found->second->call) {
    if (clock_.now() < found->second->expires) return answered(found->second->names);
    selections_.erase(found);
    found = selections_.end();
  }
  if (found != selections_.end()) return found->second->waiters.push_back(std::move(answered));
  if (!make_room())
    return answered(failure(ErrorCode::no_endpoint, Side::internal,
                            "too many selectors of pods are asked for", true));
  Selection& selection = *selections_.emplace(path, std::make_unique<Selection>()).first->second;
  selection.waiters.push_back(std::move(answered));
  ApiRequest request{.path_and_query = path, .accept = kNamesAlone, .deadline = kPodsDeadline};
  selection.call = api_.send(std::move(request),
                             [this, path = std::move(path)](const Result<ApiResponse>& result) {
                               on_answer(path, result);
                             });
}

// Those who are told may ask again at once.
void PodNames::on_answer(const std::string& path, const Result<ApiResponse>& result) {
  const auto found = selections_.find(path);
  const Result<Names> names = names_in(result);
  const auto call = std::move(found->second->call);
  const std::vector<Answered> waiters = std::exchange(found->second->waiters, {});
  if (names) {
    found->second->names = names;
    found->second->expires = clock_.now() + kKeep;
  } else {
    selections_.erase(found);
  }
  for (const Answered& each : waiters) each(names);
}

bool PodNames::make_room() {
  if (selections_.size() < kMostKept) return true;
  // Forgetting costs a question each, keeping them all would cost memory.
  std::erase_if(selections_, [](const auto& each) { return !each.second->call; });
  return selections_.size() < kMostKept;
}

}  // namespace gateway::kubernetes
