#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

/// The part of PromQL that autoscalers need of sums that are rates already:
///   gateway_cluster_requests_per_second{route="jobs"}          = != =~ !~
///   sum(…), max(…), min(…), avg(…), count(…), each with "by (route)" or "by (upstream)"
///   + - * / between numbers, or between a number and one of those
/// Everything else is an error that says so.
namespace gateway::custom_metrics::promql {

struct Matcher {
  enum class Kind : std::uint8_t { equal, unequal, matches, matches_not };
  std::string label;
  Kind kind = Kind::equal;
  std::string value;
  std::shared_ptr<const re2::RE2> pattern;  ///< of matches and matches_not; whole text

  bool takes(std::string_view text) const;
};

struct Node;
using NodePtr = std::unique_ptr<const Node>;

struct Node {
  enum class Kind : std::uint8_t { number, selector, aggregate, arithmetic };
  Kind kind = Kind::number;
  double number = 0;
  std::string metric;  ///< of a selector: its name, or empty when a matcher of __name__ says it
  std::vector<Matcher> matchers;
  enum class Aggregate : std::uint8_t { sum, max, min, avg, count };
  Aggregate aggregate = Aggregate::sum;
  std::vector<std::string> by;  ///< labels that an aggregate keeps apart
  char operation = 0;           ///< + - * /
  NodePtr left;                 ///< of arithmetic, and what is aggregated
  NodePtr right;
};

/// `bad_request` with place and reason.
Result<NodePtr> parse(std::string_view text);
/// "{…}" or "name{…}" alone: what match[] holds.
Result<NodePtr> parse_selector(std::string_view text);

}  // namespace gateway::custom_metrics::promql
