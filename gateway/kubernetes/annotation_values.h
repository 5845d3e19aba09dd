#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/value.h"
#include "gateway/kubernetes/annotation_table.h"
#include "gateway/kubernetes/objects.h"

namespace gateway::kubernetes {

/// Whether an annotation of the key, or one whose key begins so, is there under either prefix,
/// whatever its value, which may be none that can be read.
bool is_written(const Texts& annotations, std::string_view key);
bool is_any_written(const Texts& annotations, std::string_view beginning);

/// The annotations of one object, read by the table.
class AnnotationValues {
 public:
  /// What cannot be read, is refused by its row, or looks as if it should protect something and is
  /// not known, becomes a refusal; other unknown keys become a warning.
  static AnnotationValues read(const Texts& annotations);

  /// Whether it was written.
  bool has(std::string_view key) const { return values_.contains(key); }
  /// As written, else the row's default, else unset. The key must be in the table.
  const config::Value& operator[](std::string_view key) const;

  bool flag(std::string_view key) const;
  /// Empty when unset.
  std::string text(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  Duration duration(std::string_view key) const;
  /// Elements of a list, each a text.
  std::vector<std::string> list(std::string_view key) const;

  /// Keys that were written, without prefix.
  const std::map<std::string_view, config::Value>& written() const { return values_; }
  const std::vector<std::string>& refusals() const { return refusals_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void take(std::string_view key, const std::string& text);
  void take_unknown(std::string_view key);

  std::map<std::string_view, config::Value> values_;  ///< by the table's own text of the key
  std::vector<std::string> refusals_;
  std::vector<std::string> warnings_;
};

}  // namespace gateway::kubernetes
