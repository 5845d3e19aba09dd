#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace gateway::custom_metrics {

using Labels = std::map<std::string, std::string, std::less<>>;

/// A Kubernetes label selector as it comes in a query: "app=jobs,tier!=test,zone in (a,b),!old".
class LabelSelector {
 public:
  /// An empty text takes everything. `bad_request` with the reason for what is not understood: a
  /// selector that was half read would take more than was asked for.
  static Result<LabelSelector> parse(std::string_view text);

  bool empty() const { return requirements_.empty(); }
  bool matches(const Labels& labels) const;
  /// In the grammar that parse() reads.
  std::string to_string() const;
  /// Each label that it names, for whoever must refuse those that there are not.
  std::vector<std::string> keys() const;

  enum class Operator : std::uint8_t { in, not_in, exists, absent };
  struct Requirement {
    std::string key;
    Operator operation = Operator::exists;
    std::vector<std::string> values;
  };
  const std::vector<Requirement>& requirements() const { return requirements_; }

 private:
  friend class SelectorParser;
  std::vector<Requirement> requirements_;
};

}  // namespace gateway::custom_metrics
