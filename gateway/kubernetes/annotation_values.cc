#include "gateway/kubernetes/annotation_values.h"

#include <fmt/format.h>

#include <unordered_map>

#include "gateway/base/check.h"
#include "gateway/config/scalar.h"

namespace gateway::kubernetes {
namespace {

using config::Value;

// The defaults of all rows, read once: a row whose default is none of its own values would show in
// the first test.
const Value& default_of(std::string_view key) {
  static const auto defaults = [] {
    std::unordered_map<std::string_view, Value> read;
    for (const AnnotationFamily& family : annotation_families())
      for (const Annotation& row : family.rows)
        if (auto value = parse_value(row, row.field.default_text);
            value && !row.field.default_text.empty())
          read.emplace(row.field.name, std::move(*value));
    return read;
  }();
  static const Value unset;
  const auto found = defaults.find(key);
  return found == defaults.end() ? unset : found->second;
}

}  // namespace

bool is_written(const Texts& annotations, std::string_view key) {
  const auto written = [&](std::string_view prefix) {
    return annotations.contains(fmt::format("{}{}", prefix, key));
  };
  return written(kOwnPrefix) || written(kNginxPrefix);
}

bool is_any_written(const Texts& annotations, std::string_view beginning) {
  const auto written = [&](std::string_view prefix) {
    const std::string whole = fmt::format("{}{}", prefix, beginning);
    const auto at = annotations.lower_bound(whole);
    return at != annotations.end() && at->first.starts_with(whole);
  };
  return written(kOwnPrefix) || written(kNginxPrefix);
}

AnnotationValues AnnotationValues::read(const Texts& annotations) {
  AnnotationValues values;
  // Sorted by key: our own prefix comes first, and the first counts.
  static_assert(kOwnPrefix < kNginxPrefix);
  for (const auto& [key, text] : annotations) {
    for (const std::string_view prefix : {kOwnPrefix, kNginxPrefix})
      if (key.starts_with(prefix)) values.take(std::string_view(key).substr(prefix.size()), text);
  }
  return values;
}

void AnnotationValues::take(std::string_view key, const std::string& text) {
  const Annotation* row = find_annotation(key);
  if (row == nullptr) return take_unknown(key);
  if (values_.contains(row->field.name)) return;
  // Nothing but a switch that is off is without consequence in a row that is refused.
  if (row->standing == Standing::refused && row->judge == nullptr) {
    refusals_.push_back(fmt::format("{}: {}", key, row->note));
    return;
  }
  auto value = parse_value(*row, text);
  if (!value) {
    // What has no effect may say what it likes.
    if (row->standing != Standing::passed)
      refusals_.push_back(fmt::format("{}: {}", key, value.error()));
    return;
  }
  if (row->judge != nullptr)
    if (const std::string why = row->judge(*value); !why.empty()) {
      refusals_.push_back(fmt::format(
          "{}: {}", key, row->standing == Standing::refused ? std::string(row->note) : why));
      return;
    }
  values_.emplace(row->field.name, std::move(*value));
}

void AnnotationValues::take_unknown(std::string_view key) {
  const std::string_view shown = key.substr(0, 100);
  if (key.ends_with("-snippet"))
    refusals_.push_back(fmt::format(
        "{}: text is never spliced into a configuration; use the annotations of the reference",
        shown));
  else if (looks_protective(key))
    refusals_.push_back(
        fmt::format("{}: unknown, and it looks as if it should protect this "
                    "Ingress, which is refused rather than left open",
                    shown));
  else
    warnings_.push_back(fmt::format("{}: unknown annotation, without effect", shown));
}

const Value& AnnotationValues::operator[](std::string_view key) const {
  GATEWAY_CHECK(find_annotation(key) != nullptr);
  const auto found = values_.find(key);
  return found == values_.end() ? default_of(key) : found->second;
}

bool AnnotationValues::flag(std::string_view key) const {
  const Value& value = (*this)[key];
  return value.is_set() && value.as<bool>();
}

std::string AnnotationValues::text(std::string_view key) const {
  const Value& value = (*this)[key];
  return value.is_set() ? value.as<std::string>() : std::string();
}

std::int64_t AnnotationValues::number(std::string_view key) const {
  const Value& value = (*this)[key];
  return value.is_set() ? value.as<std::int64_t>() : 0;
}

Duration AnnotationValues::duration(std::string_view key) const {
  const Value& value = (*this)[key];
  return value.is_set() ? value.as<Duration>() : Duration();
}

std::vector<std::string> AnnotationValues::list(std::string_view key) const {
  std::vector<std::string> texts;
  const Value& value = (*this)[key];
  if (value.is_set())
    for (const Value& each : value.as<Value::List>()) texts.push_back(config::format_scalar(each));
  return texts;
}

}  // namespace gateway::kubernetes
