#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/kubernetes/api.h"

namespace gateway::kubernetes {

/// Which pods of a namespace a label selector takes. EndpointSlices do not tell labels, and pods
/// are too many to be followed for their names: the API server is asked when somebody wants to
/// know, and its answers are remembered for five seconds; questions that are alike share one. One
/// thread; `clock` and `api` outlive it.
class PodNames {
 public:
  static constexpr Duration kKeep = std::chrono::seconds(5);
  /// Selections kept, or asked for at once.
  static constexpr std::size_t kMostKept = 256;
  using Names = std::set<std::string, std::less<>>;
  /// `bad_request`: the server does not take the selector. Any other error: it could not be asked.
  using Answered = std::function<void(const Result<Names>&)>;

  PodNames(const Clock& clock, Api& api);
  ~PodNames();
  PodNames(const PodNames&) = delete;
  PodNames& operator=(const PodNames&) = delete;

  /// `answered` is called once, within or later; never once this is gone. `selector` as for a
  /// query, not percent-encoded.
  void ask(const std::string& name_space, const std::string& selector, Answered answered);

 private:
  struct Selection;
  void on_answer(const std::string& path, const Result<ApiResponse>& result);
  bool make_room();

  const Clock& clock_;
  Api& api_;
  std::map<std::string, std::unique_ptr<Selection>, std::less<>> selections_;  ///< by path
};

}  // namespace gateway::kubernetes
