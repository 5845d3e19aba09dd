#include "gateway/custom_metrics/query_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <map>
#include <set>
#include <tuple>

#include "gateway/custom_metrics/api_objects.h"
#include "gateway/custom_metrics/promql_value.h"

namespace gateway::custom_metrics {
namespace {

using promql::Sample;
using promql::Value;

constexpr std::size_t kMostPoints = 11'000;     // as Prometheus, of one series
constexpr std::size_t kMostReadings = 200'000;  // of all series: some 50 ms

// Prometheus' own words for what went wrong, and the statuses that it gives them.
Answer error_answer(int status, std::string_view type, std::string_view text) {
  return json_answer(status, {{"status", "error"}, {"errorType", type}, {"error", text}});
}

Answer bad_data(std::string_view text) { return error_answer(400, "bad_data", text); }

Answer answer_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::bad_request: return bad_data(error.detail);
    case ErrorCode::not_found:
    case ErrorCode::internal: return error_answer(422, "execution", error.detail);
    default: return error_answer(503, "unavailable", error.detail);
  }
}

Answer success(Json data) {
  return json_answer(200, {{"status", "success"}, {"data", std::move(data)}});
}

/// As strconv's shortest.
std::string number_text(double value) {
  char text[400];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  return {text, end};
}

Json point(double time, double value) {
  return Json::array({std::round(time * 1000) / 1000, number_text(value)});
}

Json labels_json(const Sample& sample) {
  Json labels = Json::object();
  if (!sample.name.empty()) labels["__name__"] = sample.name;
  if (!sample.of.empty()) labels[std::string(sample.label)] = sample.of;
  return labels;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// Seconds since 1970, or RFC 3339: "2026-11-20T23:35:00Z", "…00.5+01:00".
std::optional<double> time_of(const std::string& text) {
  if (const auto seconds = number_of(text)) return seconds;
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  double time = static_cast<double>(timegm(&parts));
  if (*rest == '.') {
    const char* digits = rest + 1;
    while (*++rest >= '0' && *rest <= '9') {
    }
    time += number_of("0." + std::string(digits, rest)).value_or(0);
  }
  if (std::string_view(rest) == "Z" || std::string_view(rest) == "z") return time;
  int hours = 0;
  int minutes = 0;
  char sign = 0;
  int read = 0;
  if (std::sscanf(rest, "%c%2d:%2d%n", &sign, &hours, &minutes, &read) != 3 || rest[read] != 0 ||
      (sign != '+' && sign != '-'))
    return std::nullopt;
  const double offset = hours * 3600.0 + minutes * 60.0;
  return time - (sign == '+' ? offset : -offset);
}

/// Seconds, or Prometheus' durations: "1s", "1m30s".
std::optional<double> step_of(std::string_view text) {
  if (const auto seconds = number_of(text)) return seconds;
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto* unit = std::ranges::find_if(
        kUnits, [text](const auto& each) { return text.starts_with(each.first); });
    if (unit == std::end(kUnits)) return std::nullopt;
    total += value * unit->second;
    text.remove_prefix(unit->first.size());
  }
  return total;
}

/// The sums as they are, or as they were so many seconds ago.
class Instants final : public promql::Source {
 public:
  Instants(ClusterSum& sum, const SumHistory& history) : sum_(sum), history_(history) {}

  void go_to(std::uint32_t seconds_ago) { ago_ = seconds_ago; }
  const std::vector<std::string>& names(Metric metric) override {
    return is_of_upstreams(metric) ? sum_.upstreams() : sum_.routes();
  }
  Result<std::optional<double>> read(Metric metric, const std::string& name) override {
    if (ago_ > 0) return history_.value(metric, name, ago_);
    auto reading = custom_metrics::read(sum_, metric, std::span(&name, 1));
    if (!reading) return tl::make_unexpected(reading.error());
    return reading->value;
  }

 private:
  ClusterSum& sum_;
  const SumHistory& history_;
  std::uint32_t ago_ = 0;
};

std::uint32_t seconds_before(double now, double time) {
  const double ago = std::floor(now - time + 0.5);
  return ago <= 0 ? 0 : static_cast<std::uint32_t>(std::min(ago, 1e9));
}

struct Range {
  double start = 0;
  double end = 0;
  double step = 1;
  std::size_t points() const { return static_cast<std::size_t>((end - start) / step) + 1; }
};

Result<Range> range_of(const Parameters& parameters) {
  const auto bad = [](std::string_view what) {
    return failure(ErrorCode::bad_request, Side::downstream, std::string(what));
  };
  const std::string* start = parameters.find("start");
  const std::string* end = parameters.find("end");
  const std::string* step = parameters.find("step");
  if (start == nullptr || end == nullptr || step == nullptr)
    return bad("start, end and step are needed");
  const auto from = time_of(*start);
  const auto to = time_of(*end);
  const auto by = step_of(*step);
  if (!from) return bad("invalid parameter \"start\"");
  if (!to) return bad("invalid parameter \"end\"");
  if (!by) return bad("invalid parameter \"step\"");
  if (*to < *from) return bad("end timestamp must not be before start time");
  if (*by < 1) return bad("step must be 1 second at least");
  const Range range{*from, *to, *by};
  if ((*to - *from) / *by > static_cast<double>(kMostPoints))
    return bad("exceeded maximum resolution of 11,000 points per timeseries");
  return range;
}

/// A matrix in the making: series by their labels.
class Matrix {
 public:
  void add(double time, const Value& value) {
    for (const Sample& sample : value.samples) {
      Json& series = series_[{sample.name, sample.label, sample.of}];
      if (series.is_null()) series = {{"metric", labels_json(sample)}, {"values", Json::array()}};
      series["values"].push_back(point(time, sample.value));
    }
  }
  bool empty() const { return series_.empty(); }
  Json take() {
    Json list = Json::array();
    for (auto& [labels, series] : series_) list.push_back(std::move(series));
    return {{"resultType", "matrix"}, {"result", std::move(list)}};
  }

 private:
  std::map<std::tuple<std::string, std::string_view, std::string>, Json> series_;
};

/// The series that match[] takes; all of them without.
Result<std::vector<Sample>> matching(promql::Source& source, const Parameters& parameters) {
  auto matches = parameters.all("match[]");
  if (matches.empty()) matches.emplace_back("{__name__=~\".+\"}");
  std::vector<Sample> found;
  for (const std::string& match : matches) {
    const auto selector = promql::parse_selector(match);
    if (!selector) return tl::make_unexpected(selector.error());
    auto selected = promql::select(**selector, source);
    // Nothing is asked of it but whether it is there.
    if (!selected && selected.error().code == ErrorCode::not_found) continue;
    if (!selected) return selected;
    std::ranges::move(*selected, std::back_inserter(found));
  }
  return found;
}

}  // namespace

QueryApi::QueryApi(ClusterSum& sum, SumHistory& history, WallClock wall_clock)
    : sum_(sum), history_(history), wall_clock_(std::move(wall_clock)) {}

Answer QueryApi::answer(std::string_view path, const Parameters& parameters) {
  path.remove_prefix(std::string_view("/api/v1").size());
  if (path == "/query") return query(parameters);
  if (path == "/query_range") return query_range(parameters);
  if (path == "/labels") return labels(parameters);
  if (path == "/series") return series(parameters);
  constexpr std::string_view kLabel = "/label/";
  constexpr std::string_view kValues = "/values";
  if (path.starts_with(kLabel) && path.ends_with(kValues) &&
      path.size() > kLabel.size() + kValues.size())
    return label_values(path.substr(kLabel.size(), path.size() - kLabel.size() - kValues.size()),
                        parameters);
  return error_answer(404, "not_found", "this part of the Prometheus API is not served here");
}

Answer QueryApi::query(const Parameters& parameters) {
  const std::string* text = parameters.find("query");
  if (text == nullptr) return bad_data("query is needed");
  const auto node = promql::parse(*text);
  if (!node) return answer_of(node.error());
  const double now = wall_clock_();
  double time = now;
  if (const std::string* at = parameters.find("time")) {
    const auto given = time_of(*at);
    if (!given) return bad_data("invalid parameter \"time\"");
    time = *given;
  }
  if (auto ready = sum_.available(); !ready) return answer_of(ready.error());
  Instants instants(sum_, history_);
  const std::uint32_t ago = seconds_before(now, time);
  // Scalers ask for "now" to the second: that is the present.
  if (ago > 2) {
    history_.want();
    instants.go_to(ago);
  }
  const auto value = promql::evaluate(**node, instants);
  if (!value) return answer_of(value.error());
  if (!*value)
    return error_answer(422, "execution",
                        fmt::format("what was {} s ago is not known: the past goes back {} s, and "
                                    "begins when it is first asked for",
                                    ago, SumHistory::kSeconds));
  if ((*value)->scalar)
    return success(
        {{"resultType", "scalar"}, {"result", point(time, (*value)->samples.front().value)}});
  Json result = Json::array();
  for (const Sample& sample : (*value)->samples)
    result.push_back({{"metric", labels_json(sample)}, {"value", point(time, sample.value)}});
  return success({{"resultType", "vector"}, {"result", std::move(result)}});
}

Answer QueryApi::query_range(const Parameters& parameters) {
  const std::string* text = parameters.find("query");
  if (text == nullptr) return bad_data("query is needed");
  const auto node = promql::parse(*text);
  if (!node) return answer_of(node.error());
  const auto range = range_of(parameters);
  if (!range) return answer_of(range.error());
  if (auto ready = sum_.available(); !ready) return answer_of(ready.error());
  history_.want();
  const double now = wall_clock_();
  if (std::min<std::size_t>(range->points(), SumHistory::kSeconds) * sum_.routes().size() >
      kMostReadings)
    return bad_data("too many series and points: select routes, or a longer step");
  Instants instants(sum_, history_);
  Matrix matrix;
  for (std::size_t i = 0; i < range->points(); ++i) {
    const double time = range->start + static_cast<double>(i) * range->step;
    const std::uint32_t ago = seconds_before(now, time);
    if (ago >= SumHistory::kSeconds) continue;
    if (time > now + 1) break;
    instants.go_to(ago);
    const auto value = promql::evaluate(**node, instants);
    if (!value) return answer_of(value.error());
    if (*value) matrix.add(time, **value);
  }
  if (matrix.empty())
    return error_answer(422, "execution",
                        fmt::format("nothing is known of that time: the past goes back {} s, and "
                                    "begins when it is first asked for",
                                    SumHistory::kSeconds));
  return success(matrix.take());
}

Answer QueryApi::labels(const Parameters& parameters) {
  Instants instants(sum_, history_);
  const auto found = matching(instants, parameters);
  if (!found) return answer_of(found.error());
  std::set<std::string> labels;
  for (const Sample& sample : *found) {
    labels.emplace("__name__");
    labels.emplace(sample.label);
  }
  return success(Json(labels));
}

Answer QueryApi::label_values(std::string_view label, const Parameters& parameters) {
  Instants instants(sum_, history_);
  const auto found = matching(instants, parameters);
  if (!found) return answer_of(found.error());
  std::set<std::string> values;
  for (const Sample& sample : *found) {
    if (label == "__name__") values.insert(sample.name);
    if (label == sample.label) values.insert(sample.of);
  }
  return success(Json(values));
}

Answer QueryApi::series(const Parameters& parameters) {
  if (parameters.find("match[]") == nullptr) return bad_data("no match[] parameter provided");
  Instants instants(sum_, history_);
  const auto found = matching(instants, parameters);
  if (!found) return answer_of(found.error());
  Json list = Json::array();
  for (const Sample& sample : *found) list.push_back(labels_json(sample));
  return success(std::move(list));
}

}  // namespace gateway::custom_metrics
