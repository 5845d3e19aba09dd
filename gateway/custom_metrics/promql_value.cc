#include "gateway/custom_metrics/promql_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace gateway::custom_metrics::promql {
namespace {

using Evaluated = Result<std::optional<Value>>;

tl::unexpected<Error> bad(std::string what) {
  return failure(ErrorCode::bad_request, Side::downstream, std::move(what));
}

std::string metric_list() {
  std::string list;
  for (const Metric metric : kSumMetrics)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", sum_name_of(metric));
  return list;
}

Result<std::vector<Metric>> metrics_of(const Node& selector) {
  std::vector<Metric> metrics;
  if (!selector.metric.empty()) {
    const auto metric = metric_of_sum(selector.metric);
    if (!metric)
      return bad(fmt::format("there is no metric {}, only {}", selector.metric, metric_list()));
    metrics.push_back(*metric);
  } else {
    metrics.assign(std::begin(kSumMetrics), std::end(kSumMetrics));
  }
  for (const Matcher& matcher : selector.matchers)
    if (matcher.label == "__name__")
      std::erase_if(metrics, [&](Metric metric) { return !matcher.takes(sum_name_of(metric)); });
  if (metrics.empty()) return bad("no such metric, only " + metric_list());
  return metrics;
}

double aggregate(Node::Aggregate kind, const std::vector<Sample>& samples) {
  double value = samples.front().value;
  if (kind == Node::Aggregate::count) return static_cast<double>(samples.size());
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double next = samples[i].value;
    if (kind == Node::Aggregate::max)
      value = std::max(value, next);
    else if (kind == Node::Aggregate::min)
      value = std::min(value, next);
    else
      value += next;
  }
  return kind == Node::Aggregate::avg ? value / static_cast<double>(samples.size()) : value;
}

double calculate(char operation, double left, double right) {
  switch (operation) {
    case '+': return left + right;
    case '-': return left - right;
    case '*': return left * right;
    default: return left / right;
  }
}

/// Walks one expression at one instant.
class Evaluation {
 public:
  explicit Evaluation(Source& source) : source_(source) {}

  Evaluated value_of(const Node& node) {
    switch (node.kind) {
      case Node::Kind::number: return Value{true, {{"", "", "", node.number}}};
      case Node::Kind::selector: return selection(node);
      case Node::Kind::aggregate: return aggregation(node);
      case Node::Kind::arithmetic: return arithmetic(node);
    }
    return std::nullopt;
  }

 private:
  Evaluated selection(const Node& node) {
    auto selected = select(node, source_);
    if (!selected) return tl::make_unexpected(selected.error());
    for (Sample& sample : *selected) {
      const auto read = source_.read(*metric_of_sum(sample.name), sample.of);
      if (!read) return tl::make_unexpected(read.error());
      // One that is not known would be missing in a sum, and nobody would see it.
      if (!*read) return std::nullopt;
      sample.value = **read;
    }
    return Value{false, std::move(*selected)};
  }

  Evaluated aggregation(const Node& node) {
    auto inner = value_of(*node.left);
    if (!inner || !*inner) return inner;
    if ((*inner)->scalar) return bad("a number alone cannot be aggregated");
    std::vector<Sample>& samples = (*inner)->samples;
    // What has none of the labels is one group.
    for (Sample& sample : samples)
      if (std::ranges::find(node.by, sample.label) == node.by.end()) {
        sample.label = {};
        sample.of.clear();
      }
    const auto group = [](const Sample& sample) { return std::tie(sample.label, sample.of); };
    std::ranges::stable_sort(samples, {}, group);
    Value value;
    for (auto from = samples.begin(); from != samples.end();) {
      const auto to = std::find_if(
          from, samples.end(), [&](const Sample& other) { return group(other) != group(*from); });
      value.samples.push_back(
          {"", from->label, from->of, aggregate(node.aggregate, std::vector<Sample>(from, to))});
      from = to;
    }
    return value;
  }

  Evaluated arithmetic(const Node& node) {
    auto left = value_of(*node.left);
    if (!left || !*left) return left;
    auto right = value_of(*node.right);
    if (!right || !*right) return right;
    if (!(*left)->scalar && !(*right)->scalar)
      return bad("arithmetic between two metrics is not served, only with a number");
    if ((*left)->scalar && (*right)->scalar) {
      Sample& sample = (*left)->samples.front();
      sample.value = calculate(node.operation, sample.value, (*right)->samples.front().value);
      return left;
    }
    const bool number_left = (*left)->scalar;
    const double number = (number_left ? **left : **right).samples.front().value;
    Value& value = number_left ? **right : **left;
    for (Sample& sample : value.samples) {
      sample.name.clear();
      sample.value = number_left ? calculate(node.operation, number, sample.value)
                                 : calculate(node.operation, sample.value, number);
    }
    return number_left ? right : left;
  }

  Source& source_;
};

}  // namespace

Result<std::vector<Sample>> select(const Node& selector, Source& source) {
  for (const Matcher& matcher : selector.matchers)
    if (matcher.label != "route" && matcher.label != "upstream" && matcher.label != "__name__")
      return bad(fmt::format("there is no label \"{}\", only route and upstream", matcher.label));
  const auto metrics = metrics_of(selector);
  if (!metrics) return tl::make_unexpected(metrics.error());
  std::vector<Sample> selected;
  for (const Metric metric : *metrics)
    for (const std::string& name : source.names(metric)) {
      // A label that a series does not have is empty.
      const bool taken = std::ranges::all_of(selector.matchers, [&](const Matcher& matcher) {
        return matcher.label == "__name__" ||
               matcher.takes(matcher.label == label_of(metric) ? std::string_view(name) : "");
      });
      if (taken) selected.push_back({std::string(sum_name_of(metric)), label_of(metric), name, 0});
    }
  if (selected.empty())
    return failure(ErrorCode::not_found, Side::downstream, "no route or upstream is selected");
  return selected;
}

Result<std::optional<Value>> evaluate(const Node& node, Source& source) {
  auto value = Evaluation(source).value_of(node);
  if (!value || !*value) return value;
  for (const Sample& sample : (*value)->samples)
    if (!std::isfinite(sample.value) || sample.value < 0)
      return failure(ErrorCode::internal, Side::downstream,
                     "the result is negative, infinite or no number");
  return value;
}

}  // namespace gateway::custom_metrics::promql
