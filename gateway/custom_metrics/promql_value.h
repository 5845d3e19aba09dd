#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/custom_metrics/metric.h"
#include "gateway/custom_metrics/promql.h"

namespace gateway::custom_metrics::promql {

/// One series of a result. Empty names are labels that it does not have.
struct Sample {
  std::string name;        ///< __name__
  std::string_view label;  ///< as label_of(), and its text
  std::string of;
  double value = 0;
};

struct Value {
  bool scalar = false;  ///< one sample without labels, then
  std::vector<Sample> samples;
};

/// Where the numbers of one instant come from.
class Source {
 public:
  /// What the metric has a series of each: routes or upstreams.
  virtual const std::vector<std::string>& names(Metric metric) = 0;
  /// Nothing: not known at this instant, so the query has no value there. An error ends it.
  virtual Result<std::optional<double>> read(Metric metric, const std::string& name) = 0;

 protected:
  ~Source() = default;
};

/// What an expression is at one instant; nothing when a part of it is not known then. Errors:
/// bad_request (a metric, label or combination that there is not), not_found (nothing is selected:
/// an empty answer would be taken for 0), those of the source, and internal for a result that is no
/// number that may leave: infinite, negative, not a number.
Result<std::optional<Value>> evaluate(const Node& node, Source& source);

/// The series that a selector takes, without their values.
Result<std::vector<Sample>> select(const Node& selector, Source& source);

}  // namespace gateway::custom_metrics::promql
